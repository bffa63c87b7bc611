using Backup.Manager.Collection;
using Backup.Manager.Redis;
using Backup.Protocol;
using Backup.ServiceDefaults;
using static Backup.Tests.Manager.ManagersOnRedis;

namespace Backup.Tests.Manager;

/// <summary>What retention drops is gone from every listing, comes back whole by an undo, and goes for good after its time.</summary>
public abstract class RetentionTests(RedisFixture fixture)
{
    [SkippableFact]
    public async Task What_is_dropped_is_gone_from_the_past_and_the_present_stays()
    {
        await using var cluster = await StoredThriceAsync();
        var reply = await RetainAsync(cluster, last: 1);
        Assert.Equal(["two", "one"], reply.Dropped.Select(s => s.Name));
        Assert.Equal((4, 4_000), (reply.Versions, reply.Bytes));
        Assert.Equal(cluster.Time.NowMs + (long)TimeSpan.FromDays(7).TotalMilliseconds, reply.UndoUntilMs);
        Assert.Equal(["three"], (await cluster.Second.SnapshotsAsync(cluster.Client, default)).Snapshots.Select(s => s.Name));
        Assert.Single(await VersionsAsync(cluster, "x"));
        Assert.Equal(["x", "y"], await NamesAsync(cluster));
        await cluster.AssertLoadsExactAsync();
        Assert.Equal((0, 0L), ((await RetainAsync(cluster, last: 1)).Dropped.Length, (await RetainAsync(cluster, last: 1)).Versions));
    }

    [SkippableFact]
    public async Task A_deleted_file_that_no_moment_shows_goes_with_its_name_and_its_load()
    {
        await using var cluster = await StoredThriceAsync();
        await cluster.DeleteAsync("y");
        await SnapshotAsync(cluster, "four");
        await RetainAsync(cluster, last: 1);
        Assert.Empty(await VersionsAsync(cluster, "y"));
        Assert.Equal(["x"], await NamesAsync(cluster));
        Assert.Equal(2, (await cluster.LoadsAsync()).Values.Sum());
        await cluster.AssertLoadsExactAsync();

        await cluster.StoreAsync("y");
        Assert.Single(await VersionsAsync(cluster, "y"));
        await cluster.AssertLoadsExactAsync();
    }

    [SkippableFact]
    public async Task An_undo_brings_back_every_version_snapshot_name_and_load()
    {
        await using var cluster = await StoredThriceAsync();
        await cluster.DeleteAsync("y");
        await SnapshotAsync(cluster, "four");
        var (x, y, names) = (await VersionsAsync(cluster, "x"), await VersionsAsync(cluster, "y"), await cluster.First.SnapshotsAsync(cluster.Client, default));
        await RetainAsync(cluster, last: 1);
        await cluster.StoreAsync("y");
        var late = Assert.Single(await VersionsAsync(cluster, "y"));

        var undone = await cluster.Second.UndoRetentionAsync(cluster.Client, default);
        Assert.Equal(2 + 4, undone.Versions);
        Assert.Equal(names.Snapshots, undone.Snapshots);
        Assert.Equal(x, await VersionsAsync(cluster, "x"), Same);
        Assert.Equal([.. y, late], await VersionsAsync(cluster, "y"), Same);
        await cluster.AssertLoadsExactAsync();
        Assert.Equal(0, (await cluster.First.UndoRetentionAsync(cluster.Client, default)).Versions);
    }

    [SkippableFact]
    public async Task After_its_time_nothing_comes_back()
    {
        await using var cluster = await StoredThriceAsync();
        await RetainAsync(cluster, last: 1);
        var forgetter = cluster.Get<Forgetter>();
        Assert.Equal(WorkerStep.Idle, await forgetter.StepAsync(default));
        cluster.Time.Advance(TimeSpan.FromDays(7));
        // The nodes of this test do not exist: what they hold stays to be forgotten, and is out of an undo's reach all the same.
        while (await forgetter.StepAsync(default) == WorkerStep.Busy)
        {
        }
        Assert.Equal(0, (await cluster.First.UndoRetentionAsync(cluster.Client, default)).Versions);
        Assert.Single(await VersionsAsync(cluster, "x"));
    }

    [SkippableFact]
    public async Task A_pinned_and_a_named_moment_keep_what_they_show()
    {
        await using var cluster = await StoredThriceAsync();
        await cluster.First.SnapshotAsync(cluster.Client, new SnapshotRequest("one", PinnedUntilMs: cluster.Time.NowMs + 60_000), default);
        var reply = await RetainAsync(cluster, last: 1);
        Assert.Equal(["two"], reply.Dropped.Select(s => s.Name));
        Assert.Equal(2, reply.Versions);
        cluster.Time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(["one"], (await RetainAsync(cluster, last: 1)).Dropped.Select(s => s.Name));
    }

    [SkippableFact]
    public async Task A_plan_made_of_other_snapshots_is_not_carried_out()
    {
        await using var cluster = await StoredThriceAsync();
        var (snapshots, moments) = await cluster.Get<Snapshots>().ReadAsync(cluster.Client, default);
        var drop = new Drop(cluster.Client, moments, cluster.Time.NowMs + 1000);
        var expired = (await VersionsAsync(cluster, "x"))[..1];
        await SnapshotAsync(cluster, "meanwhile");
        Assert.False(await cluster.Get<Drops>().TakeSnapshotsAsync(drop, snapshots, default));
        Assert.Null(await cluster.Get<Drops>().TakeVersionsAsync(drop, expired, default));
        Assert.Equal(3, (await VersionsAsync(cluster, "x")).Length);
    }

    [SkippableFact]
    public async Task What_is_current_stays_whatever_the_plan_says()
    {
        await using var cluster = await StoredThriceAsync();
        var (_, moments) = await cluster.Get<Snapshots>().ReadAsync(cluster.Client, default);
        var all = await VersionsAsync(cluster, "x");
        var gone = await cluster.Get<Drops>().TakeVersionsAsync(new Drop(cluster.Client, moments, cluster.Time.NowMs), all, default);
        Assert.Equal(2, gone!.Value.Versions);
        Assert.Equal(all[^1..], await VersionsAsync(cluster, "x"), Same);
    }

    [SkippableFact]
    public async Task Thousands_of_names_in_many_leaves_go_and_come_back()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2", "n3");
        var paths = Enumerable.Range(0, 2_500).Select(Name).ToArray();
        foreach (var some in paths.Chunk(Limits.FilesPerCallMax))
            await cluster.StoreAsync(some);
        await SnapshotAsync(cluster, "all");
        foreach (var some in paths[..2_000].Chunk(Limits.FilesPerCallMax))
            await cluster.DeleteAsync(some);
        await SnapshotAsync(cluster, "few");
        Assert.Equal(4_000, (await RetainAsync(cluster, last: 1)).Versions);
        Assert.Equal(paths[2_000..], await NamesAsync(cluster));
        await cluster.AssertLoadsExactAsync();
        Assert.Equal(4_000, (await cluster.Second.UndoRetentionAsync(cluster.Client, default)).Versions);
        var asOf = (await cluster.First.SnapshotsAsync(cluster.Client, default)).Snapshots[0].TimeMs;
        Assert.Equal(paths, await NamesAsync(cluster, asOf));
        await cluster.AssertLoadsExactAsync();
    }

    [SkippableFact]
    public async Task Many_versions_go_in_several_calls_and_what_is_listed_stays_the_same()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        var paths = Enumerable.Range(0, Limits.FilesPerCallMax).Select(Name).ToArray();
        await cluster.StoreAsync(paths);
        await cluster.DeleteAsync(paths);
        await cluster.StoreAsync(paths);
        await cluster.StoreAsync(paths);
        await SnapshotAsync(cluster, "all");
        var listed = await cluster.First.ListAsync(cluster.Client, new ListRequest("", null, Limits.ListPageMax), default);
        using var spans = new HeardSpans();
        Assert.Equal(3_000, (await RetainAsync(cluster, last: 1)).Versions);
        Assert.Equal([Retention.VersionsPerCallMax, 3_000 - Retention.VersionsPerCallMax],
            spans.Named($"redis {Script.RetireVersions.Verb}").Select(span => (int)span.GetTagItem("db.operation.batch.size")!));
        await cluster.AssertLoadsExactAsync();
        var after = await cluster.First.ListAsync(cluster.Client, new ListRequest("", null, Limits.ListPageMax), default);
        Assert.Equal(listed.Files.Select(file => (file.Path, file.Version)), after.Files.Select(file => (file.Path, file.Version)));
        // Whoever has listed under this number need not list again.
        Assert.Equal(listed.Sequence, after.Sequence);
        Assert.Equal(3_000, (await cluster.Second.UndoRetentionAsync(cluster.Client, default)).Versions);
        await cluster.AssertLoadsExactAsync();
    }

    [SkippableFact]
    public async Task More_names_than_one_answer_looks_at_are_gone_through_by_asking_on()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        const int Names = Retention.NamesPerAnswerMax + 300;
        for (var round = 0; round < 2; round++)
        {
            foreach (var some in Enumerable.Range(0, Names).Select(Name).Chunk(Limits.FilesPerCallMax))
                await cluster.StoreAsync(some);
        }
        await SnapshotAsync(cluster, "all");
        var request = new RetentionRequest(new RetentionPolicy(Last: 1), Apply: true);
        var first = await cluster.First.RetainAsync(cluster.Client, request, default);
        Assert.Equal((Retention.NamesPerAnswerMax, Name(Retention.NamesPerAnswerMax - 1)), (first.Versions, first.Next));
        var second = await cluster.Second.RetainAsync(cluster.Client, request with { After = first.Next }, default);
        Assert.Equal((300, null), (second.Versions, second.Next));
        Assert.Equal(0, (await cluster.First.RetainAsync(cluster.Client, request, default)).Versions);
        await FailsAsync(FailureCode.InvalidRequest, () => cluster.First.RetainAsync(cluster.Client, request with { After = "/" }, default));
    }

    private async Task<ManagersOnRedis> StoredThriceAsync()
    {
        var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        foreach (var name in new[] { "one", "two", "three" })
        {
            await cluster.StoreAsync("x", "y");
            await SnapshotAsync(cluster, name);
        }
        return cluster;
    }

    private static async Task SnapshotAsync(ManagersOnRedis cluster, string name)
    {
        cluster.Time.Advance(TimeSpan.FromMilliseconds(500));
        await cluster.First.SnapshotAsync(cluster.Client, new SnapshotRequest(name, Automatic: true), default);
        cluster.Time.Advance(TimeSpan.FromMilliseconds(500));
    }

    private static Task<RetentionReply> RetainAsync(ManagersOnRedis cluster, int last) =>
        cluster.First.RetainAsync(cluster.Client, new RetentionRequest(new RetentionPolicy(Last: last), Apply: true), default);

    private static async Task<FileVersion[]> VersionsAsync(ManagersOnRedis cluster, string path) =>
        (await cluster.Second.VersionsAsync(cluster.Client, new VersionsRequest(Path(path)), default)).Versions;

    private static async Task<string[]> NamesAsync(ManagersOnRedis cluster, long? asOfMs = null)
    {
        var found = new List<string>();
        for (string? after = null; ;)
        {
            var page = await cluster.First.ListAsync(cluster.Client, new ListRequest("", after, Limits.ListPageMax, asOfMs), default);
            found.AddRange(page.Files.Select(file => file.Path.Value));
            if ((after = page.Next) is null)
                return [.. found];
        }
    }

    /// <summary>Records with arrays do not compare by content.</summary>
    private static bool Same(FileVersion a, FileVersion b) => a with { Nodes = b.Nodes } == b && a.Nodes.SequenceEqual(b.Nodes);
}

[Collection(OnGarnet.Name)]
public sealed class RetentionOnGarnet(GarnetFixture fixture) : RetentionTests(fixture);

[Collection(OnDebian.Name)]
public sealed class RetentionOnDebian(DebianFixture fixture) : RetentionTests(fixture);
