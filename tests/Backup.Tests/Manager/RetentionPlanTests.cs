using Backup.Manager.Collection;
using Backup.Protocol;
using CsCheck;

namespace Backup.Tests.Manager;

public class RetentionPlanTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static Snapshot Auto(double hours) => new($"auto-{hours}", Start.AddHours(hours).ToUnixTimeMilliseconds(), Automatic: true);

    private static FileVersion Version(long number, long timeMs, VersionKind kind = VersionKind.File) =>
        new(RootedPath.Parse("f"), number, kind, timeMs, 1, ChunkId.Of([]), 0, 0, 1, [NodeId.Parse("node-1")], 0);

    [Fact]
    public void Keeps_the_last_of_each_day_for_so_many_days_as_had_any()
    {
        var snapshots = new[] { Auto(1), Auto(20), Auto(25), Auto(24 * 9 + 1), Auto(24 * 9 + 2) };
        var (kept, dropped) = RetentionPlan.Sort(snapshots, new RetentionPolicy(Daily: 2), 0);
        Assert.Equal([snapshots[4], snapshots[2]], kept.Select(k => k.Snapshot));
        Assert.All(kept, k => Assert.Equal(["daily"], k.Reasons));
        Assert.Equal(3, dropped.Count);
    }

    [Fact]
    public void A_policy_of_nothing_still_keeps_what_was_named_or_is_pinned()
    {
        var now = Start.AddDays(10).ToUnixTimeMilliseconds();
        var snapshots = new[]
        {
            Auto(1),
            Auto(2) with { PinnedUntilMs = now + 1 },
            Auto(3) with { PinnedUntilMs = now },
            new Snapshot("release", Start.AddHours(4).ToUnixTimeMilliseconds(), Automatic: false),
        };
        var (kept, dropped) = RetentionPlan.Sort(snapshots, new RetentionPolicy(), now);
        Assert.Equal(["release", "auto-2"], kept.Select(k => k.Snapshot.Name));
        Assert.Equal(["auto-3", "auto-1"], dropped.Select(k => k.Name));
    }

    [Fact]
    public void Each_rule_keeps_at_most_its_number_and_all_rules_together_keep_the_newest() => Gen.Select(
        Gen.Double[0, 20_000].Array[1, 60], Gen.Int[0, 5].Array[6]).Sample((hours, counts) =>
        {
            var policy = new RetentionPolicy(counts[0], counts[1], counts[2], counts[3], counts[4], counts[5]);
            var snapshots = hours.Distinct().Select(Auto).ToList();
            var (kept, dropped) = RetentionPlan.Sort(snapshots, policy, 0);
            Assert.Equal(snapshots.Count, kept.Count + dropped.Count);
            foreach (var (reason, count) in new[] { ("last", counts[0]), ("hourly", counts[1]), ("daily", counts[2]), ("weekly", counts[3]), ("monthly", counts[4]), ("yearly", counts[5]) })
                Assert.True(kept.Count(k => k.Reasons.Contains(reason)) <= count);
            if (counts.Any(c => c > 0))
                Assert.Equal(snapshots.Max(s => s.TimeMs), kept[0].Snapshot.TimeMs);
        });

    /// <summary>What a person sees at a kept moment is the same before and after.</summary>
    [Fact]
    public void Every_kept_moment_shows_what_it_showed() => Gen.Select(
        Gen.Int[1, 100].Array[1, 20], Gen.Bool.Array[20], Gen.Int[0, 120].Array[0, 6], Gen.Int[0, 120]).Sample((times, deleted, moments, newest) =>
        {
            var versions = times.Distinct().Order().Select((t, i) => Version(i + 1, t, deleted[i] ? VersionKind.Tombstone : VersionKind.File)).ToList();
            var kept = moments.Select(m => (long)m).Order().ToArray();
            var expired = RetentionPlan.Expired(versions, kept, newest);
            var left = versions.Except(expired).ToList();
            foreach (var moment in kept.Append(long.MaxValue))
                Assert.Equal(Shown(versions, moment), Shown(left, moment));
            Assert.True(versions.Where(v => v.TimeMs > newest && v.Kind != VersionKind.Tombstone).All(left.Contains));
        });

    [Fact]
    public void A_file_deleted_before_every_kept_moment_leaves_nothing_behind() =>
        Assert.Equal(2, RetentionPlan.Expired([Version(1, 10), Version(2, 20, VersionKind.Tombstone)], [30, 40], 40).Count);

    private static FileVersion? Shown(List<FileVersion> versions, long momentMs) =>
        versions.LastOrDefault(v => v.TimeMs <= momentMs) is { Kind: not VersionKind.Tombstone } shown ? shown : null;
}
