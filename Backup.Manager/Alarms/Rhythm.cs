using System.Globalization;
using Backup.Protocol;

namespace Backup.Manager.Alarms;

/// <summary>The whole backups of a client that were told within a short time, as one.</summary>
/// <param name="Files">Files stored before that one of them which touched the largest share.</param>
/// <param name="Touched">Of these, files that it changed or deleted. What is new endangers nothing that is stored.</param>
public sealed record Beat(long StartMs, long LastMs, long Files, long Touched)
{
    /// <summary>Of the files stored before, 0 to 1.</summary>
    public double Share => Files == 0 ? 0 : Math.Min(1, (double)Touched / Files);

    public static Beat Parse(string text)
    {
        long[] fields = [.. text.Split(' ').Select(field => long.Parse(field, CultureInfo.InvariantCulture))];
        return new Beat(fields[0], fields[1], fields[2], fields[3]);
    }
}

/// <summary>
/// What is usual for a client, learnt from its own past, and what is strange then. Pure functions of its beats, newest first.
/// What is out of the ordinary is not learnt at once: one holiday, or one great tidying-up, is not usual; nights and weekends are.
/// </summary>
public static class Rhythm
{
    /// <summary>Sixteen days of hourly ones, so that both weekends of <see cref="HabitMs"/> are among them; 15 KB.</summary>
    public const int BeatsKept = 400;

    /// <summary>Six weeks of daily backups: a monthly habit is still seen, a year-old one no more.</summary>
    private const int BeatsLookedAt = 42;

    /// <summary>Two weeks and a day: what happens each night or each weekend has happened twice in them.</summary>
    private const long HabitMs = 15L * 24 * 3_600_000;

    /// <summary>Fewer say nothing of how far apart they usually are.</summary>
    private const int IntervalsMin = 4;

    /// <summary>Who tries the program out for an afternoon has no rhythm yet.</summary>
    private static readonly TimeSpan ObservedMin = TimeSpan.FromDays(1);

    /// <summary>A backup that starts on time and takes half as long again as the longest wait is late, and not missing.</summary>
    private const double Patience = 1.5;

    /// <summary>A machine that restarts, a cluster that is looked after.</summary>
    private static readonly TimeSpan LateMin = TimeSpan.FromHours(1);

    /// <summary>Before three backups nobody knows what is usual.</summary>
    private const int EarlierMin = 3;

    /// <summary>In a root of a handful of files any change is a large share.</summary>
    private const long TouchedMin = 20;

    /// <summary>Below a third of all files it is a busy day, whatever the days before were like.</summary>
    private const double ShareMin = 0.3;

    /// <summary>How many times the usual share is strange.</summary>
    private const double Times = 3;

    private const double Ordinary = 0.9;

    /// <returns>How far apart backups usually are at most, milliseconds; null while that is not known.</returns>
    public static long? UsualMs(IReadOnlyList<Beat> beats)
    {
        if (beats.Count <= IntervalsMin || beats[0].StartMs - beats[^1].StartMs < ObservedMin.TotalMilliseconds)
            return null;
        long[] gaps = [.. Enumerable.Range(0, beats.Count - 1).Select(i => Math.Max(0, beats[i].StartMs - beats[i + 1].LastMs))];
        // Of a client that backs up each hour of its working days, few gaps are nights and fewer are weekends.
        long[] recent = [.. gaps.Where((_, i) => beats[0].StartMs - beats[i].StartMs < HabitMs).OrderDescending()];
        return Math.Max(OrdinaryMax(gaps[..Math.Min(gaps.Length, BeatsLookedAt)]), recent.Length > IntervalsMin ? recent[1] : 0);
    }

    /// <returns>When the next one is overdue; null while the rhythm is not known.</returns>
    public static long? DueMs(IReadOnlyList<Beat> beats) =>
        UsualMs(beats) is { } usual ? beats[0].LastMs + Math.Max((long)(usual * Patience), usual + (long)LateMin.TotalMilliseconds) : null;

    /// <summary>Whether the newest beat changed strangely much.</summary>
    /// <param name="fineUpToMs">What began until then was found fine by somebody.</param>
    public static UnusualBackup? Unusual(IReadOnlyList<Beat> beats, long fineUpToMs)
    {
        if (beats.Count <= EarlierMin || beats[0].StartMs <= fineUpToMs || beats[0].Touched < TouchedMin || beats[0].Share < ShareMin)
            return null;
        var usual = OrdinaryMax([.. beats.Skip(1).Take(BeatsLookedAt).Select(beat => beat.Share)]);
        return beats[0].Share > usual * Times ? new UnusualBackup(beats[0].LastMs, beats[0].Files, beats[0].Touched, (int)Math.Round(usual * 100)) : null;
    }

    /// <summary>The largest of the nine tenths that are smallest, and of all but one where there are few.</summary>
    private static T OrdinaryMax<T>(T[] values)
    {
        Array.Sort(values);
        return values[Math.Max(0, Math.Min((int)Math.Ceiling(values.Length * Ordinary) - 1, values.Length - 2))];
    }
}
