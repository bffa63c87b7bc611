namespace Backup.Client;

/// <summary>
/// Says when the next pass over the root is due: when what changed has settled, now and then in any case, and never so often
/// that looking takes more than a small part of the time. Pure: it is told what the clock says.
/// </summary>
/// <param name="settle">A change waits for so long a silence after it.</param>
/// <param name="every">A full pass in any case.</param>
internal sealed class WatchPacing(TimeSpan settle, TimeSpan every)
{
    /// <summary>A file that is written to all the time must not wait for ever.</summary>
    private const int SettlesMax = 10;

    /// <summary>Rest of this many times what looking took in the last pass: it leaves nine tenths of a core and a disk to others.</summary>
    private const int RestPerPass = 9;

    /// <summary>However long it takes to look through a root, what changes must not wait for hours.</summary>
    public static readonly TimeSpan RestMax = TimeSpan.FromMinutes(5);

    private TimeSpan? firstChange;
    private TimeSpan lastChange;
    private TimeSpan passEnded;
    private TimeSpan lookTime;

    /// <summary>Whether changes are seen at all; without that, only full passes find them, and come more often.</summary>
    public bool IsBlind { get; set; }

    /// <summary>Where changes are not seen, full passes come at this pace at least.</summary>
    public static readonly TimeSpan BlindEvery = TimeSpan.FromMinutes(5);

    public void Changed(TimeSpan now)
    {
        firstChange ??= now;
        lastChange = now;
    }

    /// <summary>What changes from here on belongs to the pass after this one.</summary>
    public void PassBegins() => firstChange = null;

    /// <param name="took">What looking for changes took; sending them is no looking.</param>
    public void PassEnded(TimeSpan now, TimeSpan took) => (passEnded, lookTime) = (now, took);

    /// <summary>A pass that failed: everything is still to be done, after a silence as after any change.</summary>
    public void PassFailed(TimeSpan now, TimeSpan took)
    {
        Changed(now);
        PassEnded(now, took);
    }

    /// <summary>When the next pass is due, on the same clock.</summary>
    public TimeSpan DueAt()
    {
        var full = passEnded + (IsBlind && every > BlindEvery ? BlindEvery : every);
        var due = full;
        if (firstChange is { } first)
        {
            var settled = lastChange + settle;
            var latest = first + settle * SettlesMax;
            due = Min(full, Min(settled, latest));
        }
        var rested = passEnded + Min(lookTime * RestPerPass, RestMax);
        return due > rested ? due : rested;
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
