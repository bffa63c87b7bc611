using Backup.Manager.Alarms;

namespace Backup.Tests.Manager;

/// <summary>What is usual and what is strange, as a table.</summary>
public sealed class RhythmTests
{
    private const long HourMs = 3_600_000;

    /// <summary>Hours between backups, the newest last; how far apart they usually are at most, and when the next one is overdue, in hours after the last.</summary>
    public static TheoryData<string, double[], double?, double?> Rhythms => new()
    {
        { "nothing is known of the first", [], null, null },
        { "nor of a few", [24, 24, 24], null, null },
        { "daily", [24, 24, 24, 24], 24, 36 },
        { "hourly, after a day", [.. Enumerable.Repeat(1.0, 24)], 1, 2 },
        { "an afternoon of trying it out is no rhythm", [1, 1, 1, 1, 1, 1], null, null },
        { "weekdays: the weekend is usual", [24, 24, 24, 24, 72, 24, 24, 24, 24, 72, 24], 72, 108 },
        { "one holiday in a month of days is not", [.. Enumerable.Repeat(24.0, 15), 21 * 24, .. Enumerable.Repeat(24.0, 4)], 24, 36 },
        { "each hour of the day, not of the night", [.. Enumerable.Repeat((double[])[1, 1, 1, 1, 1, 1, 1, 1, 1, 15], 5).SelectMany(day => day)], 15, 22.5 },
        { "each hour of working days", [.. Enumerable.Repeat((double[])[1, 1, 1, 1, 1, 1, 1, 1, 16, 1, 1, 1, 1, 1, 1, 1, 1, 64], 6).SelectMany(day => day), 1], 64, 96 },
        { "weekly", [168, 168, 168, 168], 168, 252 },
    };

    [Theory, MemberData(nameof(Rhythms))]
    public void The_rhythm_is_learnt(string what, double[] hours, double? usual, double? due)
    {
        var beats = Beats([.. hours.Select(h => (h, 100L, 0L))]);
        Assert.True(usual * HourMs == Rhythm.UsualMs(beats), $"{what}: {Rhythm.UsualMs(beats) / HourMs} hours");
        Assert.Equal(due * HourMs, Rhythm.DueMs(beats) - beats[0].LastMs);
    }

    /// <summary>Files and touched files of each backup, the newest last; whether that one is strange.</summary>
    public static TheoryData<string, (long Files, long Touched)[], bool> Changes => new()
    {
        { "as always", [(1000, 10), (1000, 12), (1000, 8), (1000, 11)], false },
        { "everything, at once", [(1000, 10), (1000, 12), (1000, 8), (1000, 1000)], true },
        { "a third is a busy day", [(1000, 10), (1000, 12), (1000, 8), (1000, 290)], false },
        { "who changes everything each day may do so", [(1000, 1000), (1000, 990), (1000, 1000), (1000, 1000)], false },
        { "half, where a fifth is usual", [(1000, 200), (1000, 190), (1000, 200), (1000, 500)], false },
        { "nearly all, where a fifth is usual", [(1000, 200), (1000, 190), (1000, 200), (1000, 950)], true },
        { "one tidying-up in many is not usual", [.. Enumerable.Repeat((Files: 1000L, Touched: 5L), 12), (1000, 900), (1000, 5), (1000, 900)], true },
        { "a handful of files", [(8, 0), (8, 0), (8, 1), (8, 8)], false },
        { "too little past", [(0, 0), (1000, 5), (1000, 1000)], false },
        { "an empty root", [(0, 0), (0, 0), (0, 0), (0, 0)], false },
    };

    [Theory, MemberData(nameof(Changes))]
    public void What_changed_strangely_much_is_seen(string what, (long Files, long Touched)[] past, bool isStrange)
    {
        var beats = Beats([.. past.Select(one => (24.0, one.Files, one.Touched))])[..past.Length];
        var found = Rhythm.Unusual(beats, fineUpToMs: 0);
        Assert.True((found is not null) == isStrange, $"{what}: {found}");
        Assert.Null(Rhythm.Unusual(beats, beats[0].StartMs));
    }

    /// <summary>One at the start, and one after each of these; newest first.</summary>
    private static Beat[] Beats((double Hours, long Files, long Touched)[] after)
    {
        var at = 1_800_000_000_000;
        var beats = new List<Beat> { new(at, at, 0, 0) };
        foreach (var (hours, files, touched) in after)
        {
            at += (long)(hours * HourMs);
            beats.Insert(0, new Beat(at, at, files, touched));
        }
        return [.. beats];
    }
}
