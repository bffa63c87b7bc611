using Backup.Protocol;
using static Backup.Tests.Manager.ManagersOnRedis;

namespace Backup.Tests.Manager;

/// <summary>Named moments, their pins, and what a policy would drop.</summary>
public abstract class SnapshotTests(RedisFixture fixture)
{
    [SkippableFact]
    public async Task A_moment_once_named_never_moves()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        var first = await PutAsync(cluster, new SnapshotRequest("noon"));
        cluster.Time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(first, await PutAsync(cluster, new SnapshotRequest("noon")));
        Assert.Equal(FailureCode.AlreadyExists, await RefusedAsync(() => PutAsync(cluster, new SnapshotRequest("noon", AtMs: first.TimeMs + 1))));
        await PutAsync(cluster, new SnapshotRequest("before", AtMs: first.TimeMs - 1, Automatic: true));
        var listed = (await cluster.Second.SnapshotsAsync(cluster.Client, default)).Snapshots;
        Assert.Equal([("before", true), ("noon", false)], listed.Select(s => (s.Name, s.Automatic)));
        Assert.Empty((await cluster.First.SnapshotsAsync(ClientId.New(), default)).Snapshots);
    }

    [SkippableFact]
    public async Task A_pin_holds_until_its_time_by_the_clusters_clock_and_is_never_shortened()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        var until = cluster.Time.NowMs + 60_000;
        await PutAsync(cluster, new SnapshotRequest("kept", PinnedUntilMs: until));
        Assert.Equal(until, (await PutAsync(cluster, new SnapshotRequest("kept", PinnedUntilMs: until - 30_000))).PinnedUntilMs);
        Assert.Equal(until, (await PutAsync(cluster, new SnapshotRequest("kept"))).PinnedUntilMs);
        Assert.Equal(FailureCode.Forbidden, await RefusedAsync(() => DropAsync(cluster, "kept")));
        cluster.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Empty((await DropAsync(cluster, "kept")).Snapshots);
        Assert.Equal(FailureCode.NotFound, await RefusedAsync(() => DropAsync(cluster, "kept")));
    }

    [SkippableTheory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("a\n")]
    [InlineData("../x")]
    public async Task Names_that_could_be_taken_for_something_else_are_refused(string name)
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        Assert.Equal(FailureCode.InvalidRequest, await RefusedAsync(() => PutAsync(cluster, new SnapshotRequest(name))));
    }

    [SkippableFact]
    public async Task Nobody_names_a_moment_that_has_not_come()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        Assert.Equal(FailureCode.InvalidRequest, await RefusedAsync(() => PutAsync(cluster, new SnapshotRequest("later", AtMs: cluster.Time.NowMs + 1))));
    }

    [SkippableFact]
    public async Task A_preview_counts_what_no_kept_moment_shows_and_changes_nothing()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        foreach (var name in new[] { "one", "two", "three" })
        {
            await cluster.StoreAsync("x", "y");
            cluster.Time.Advance(TimeSpan.FromMilliseconds(500));
            await PutAsync(cluster, new SnapshotRequest(name, Automatic: true));
            cluster.Time.Advance(TimeSpan.FromMilliseconds(500));
        }
        var request = new RetentionRequest(new RetentionPolicy(Last: 1), Apply: false);
        var preview = await cluster.First.RetainAsync(cluster.Client, request, default);
        Assert.Equal(["three"], preview.Kept.Select(k => k.Snapshot.Name));
        Assert.Equal(["two", "one"], preview.Dropped.Select(s => s.Name));
        Assert.Equal(4, preview.Versions);
        Assert.Equal(preview.Versions, (await cluster.Second.RetainAsync(cluster.Client, request, default)).Versions);
        Assert.Equal(3, (await cluster.First.SnapshotsAsync(cluster.Client, default)).Snapshots.Length);
        Assert.Equal(0, preview.UndoUntilMs);
    }

    private static Task<Snapshot> PutAsync(ManagersOnRedis cluster, SnapshotRequest request) => cluster.First.SnapshotAsync(cluster.Client, request, default);

    private static Task<SnapshotsReply> DropAsync(ManagersOnRedis cluster, string name) =>
        cluster.Second.DeleteSnapshotAsync(cluster.Client, new SnapshotDeleteRequest(name), default);

    private static async Task<FailureCode> RefusedAsync(Func<Task> call) => (await Assert.ThrowsAsync<FailureException>(call)).Failure.Code;
}

[Collection(OnGarnet.Name)]
public sealed class SnapshotsOnGarnet(GarnetFixture fixture) : SnapshotTests(fixture);

[Collection(OnDebian.Name)]
public sealed class SnapshotsOnDebian(DebianFixture fixture) : SnapshotTests(fixture);
