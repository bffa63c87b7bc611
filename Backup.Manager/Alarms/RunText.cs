using Backup.Protocol;

namespace Backup.Manager.Alarms;

/// <summary>What is said of clients and their backups, in sentences.</summary>
internal static class RunText
{
    /// <summary>The events that lead from what was said before to what is so now.</summary>
    public static IEnumerable<(EventKind Kind, EventSeverity Severity, string Message)> Since(ClientStanding before, ClientStanding now)
    {
        if (now.OverdueSinceMs is not null && before.OverdueSinceMs is null)
            yield return (EventKind.BackupOverdue, EventSeverity.Warning, $"No backup of client {now.Client} came for {Span(now.OverdueSinceMs.Value - (now.LastBackupMs ?? 0))}: usually one comes within {Span(now.UsualMs ?? 0)}.");
        if (now.OverdueSinceMs is null && before.OverdueSinceMs is not null)
            yield return (EventKind.BackupOverdue, EventSeverity.Info, $"A backup of client {now.Client} came again.");
        if (now.Unusual is { } unusual && before.Unusual != unusual)
            yield return (EventKind.BackupUnusual, EventSeverity.Error, $"Of client {now.Client} {Of(unusual)}. Retention pauses for it until an operator says that this is fine.");
        if (now.Unusual is null && before.Unusual is not null)
            yield return (EventKind.BackupUnusual, EventSeverity.Info, $"An operator says that the last backup of client {now.Client} is fine: retention goes on for it.");
    }

    /// <summary>Without its end, to stand within a sentence.</summary>
    public static string Of(UnusualBackup unusual) =>
        $"the last backup changed or deleted {unusual.Touched} of {unusual.Files} files ({unusual.Touched * 100 / Math.Max(1, unusual.Files)} %), where at most {unusual.UsualPercent} % is usual";

    private static string Span(long ms) => TimeSpan.FromMilliseconds(ms) is var time && time.TotalDays >= 2 ? $"{time.TotalDays:0.#} days"
        : time.TotalHours >= 2 ? $"{time.TotalHours:0.#} hours" : $"{Math.Max(1, time.TotalMinutes):0} minutes";
}
