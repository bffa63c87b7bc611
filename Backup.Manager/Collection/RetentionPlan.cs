using System.Globalization;
using Backup.Protocol;

namespace Backup.Manager.Collection;

/// <summary>Which snapshots a policy keeps, and which versions no kept moment shows any more. Pure: it reads no clock and touches nothing.</summary>
public static class RetentionPlan
{
    /// <summary>Sorts snapshots into those that stay, with the reasons, and those that go.</summary>
    /// <param name="nowMs">Pins that end before it no longer hold.</param>
    public static (List<KeptSnapshot> Kept, List<Snapshot> Dropped) Sort(IEnumerable<Snapshot> snapshots, RetentionPolicy policy, long nowMs)
    {
        var reasons = snapshots.OrderByDescending(s => s.TimeMs).ThenBy(s => s.Name, StringComparer.Ordinal).ToDictionary(s => s, _ => new List<string>());
        foreach (var (snapshot, why) in reasons)
        {
            if (!snapshot.Automatic)
                why.Add("named");
            if (snapshot.PinnedUntilMs > nowMs)
                why.Add("pinned");
        }
        KeepNewest(reasons, "last", policy.Last, s => s.Name);
        KeepNewest(reasons, "hourly", policy.Hourly, s => Utc(s).ToString("yyyy-MM-dd HH", CultureInfo.InvariantCulture));
        KeepNewest(reasons, "daily", policy.Daily, s => Utc(s).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
        KeepNewest(reasons, "weekly", policy.Weekly, s => $"{ISOWeek.GetYear(Utc(s))}-{ISOWeek.GetWeekOfYear(Utc(s))}");
        KeepNewest(reasons, "monthly", policy.Monthly, s => Utc(s).ToString("yyyy-MM", CultureInfo.InvariantCulture));
        KeepNewest(reasons, "yearly", policy.Yearly, s => Utc(s).ToString("yyyy", CultureInfo.InvariantCulture));
        return (
            [.. reasons.Where(r => r.Value.Count > 0).Select(r => new KeptSnapshot(r.Key, [.. r.Value]))],
            [.. reasons.Where(r => r.Value.Count == 0).Select(r => r.Key)]);
    }

    /// <summary>
    /// The versions of one file that may go: those that are newest at no kept moment and not now. What is newer than the
    /// newest snapshot of all stays in any case, since nobody has had the chance to name its moment yet.
    /// </summary>
    /// <param name="versions">Of one file, oldest first.</param>
    /// <param name="keptMs">Kept moments, ascending.</param>
    /// <param name="newestMs">The newest moment, kept or dropped; versions after it stay.</param>
    public static List<FileVersion> Expired(IReadOnlyList<FileVersion> versions, long[] keptMs, long newestMs)
    {
        var expired = new List<FileVersion>();
        var anythingBefore = false;
        for (var i = 0; i < versions.Count; i++)
        {
            var isCurrent = i == versions.Count - 1;
            var untilMs = isCurrent ? long.MaxValue : versions[i + 1].TimeMs;
            var isTombstone = versions[i].Kind == VersionKind.Tombstone;
            // A tombstone says that what was there before is gone; with nothing left before it, it says nothing.
            var isNeeded = isTombstone && !anythingBefore ? false
                : isCurrent || versions[i].TimeMs > newestMs || ShowsIn(keptMs, versions[i].TimeMs, untilMs);
            if (isNeeded || (isTombstone && versions[i].TimeMs > newestMs))
                anythingBefore = true;
            else
                expired.Add(versions[i]);
        }
        return expired;
    }

    /// <summary>Whether a kept moment lies in [from, until).</summary>
    private static bool ShowsIn(long[] keptMs, long fromMs, long untilMs)
    {
        var at = Array.BinarySearch(keptMs, fromMs);
        if (at < 0)
            at = ~at;
        return at < keptMs.Length && keptMs[at] < untilMs;
    }

    /// <summary>Keeps the newest of each of the newest so many periods that have any.</summary>
    private static void KeepNewest(Dictionary<Snapshot, List<string>> newestFirst, string reason, int count, Func<Snapshot, string> period)
    {
        foreach (var newest in newestFirst.Keys.Where(s => s.Automatic).DistinctBy(period).Take(count))
            newestFirst[newest].Add(reason);
    }

    private static DateTime Utc(Snapshot snapshot) => DateTimeOffset.FromUnixTimeMilliseconds(snapshot.TimeMs).UtcDateTime;
}
