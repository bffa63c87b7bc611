using Backup.Manager;
using Backup.Manager.Redis;
using Backup.Protocol;
using StackExchange.Redis;
using static Backup.Tests.Manager.ManagersOnRedis;

namespace Backup.Tests.Manager;

/// <summary>Metadata that was lost is noticed, and comes back from what real stores of three nodes hold.</summary>
public abstract class RebuildTests(RedisFixture fixture)
{
    [SkippableFact]
    public async Task What_was_wiped_comes_back_as_it_was()
    {
        await using var rig = await Rig.StartAsync(fixture);
        await rig.StoreAsync("a", "b", "folder/c");
        await rig.StoreAsync("b", "folder/c");
        await rig.StoreAsync(VersionKind.Tombstone, "b");
        await rig.StoreAsync(VersionKind.Folder, "folder");
        await rig.StoreAsync([.. Enumerable.Range(0, 700).Select(i => $"many/{i}")]);
        await rig.StoreAsync("large");
        await rig.Cluster.First.SnapshotAsync(rig.Cluster.Client, new SnapshotRequest("named"), default);
        await rig.Cluster.First.SnapshotAsync(rig.Cluster.Client, new SnapshotRequest("gone"), default);
        await rig.Cluster.Second.SnapshotAsync(rig.Cluster.Client, new SnapshotRequest("named", PinnedUntilMs: rig.Cluster.Time.NowMs + 1_000_000), default);
        await rig.Cluster.Second.DeleteSnapshotAsync(rig.Cluster.Client, new SnapshotDeleteRequest("gone"), default);
        var before = await rig.DumpAsync();
        // Where its content lies is known of large files only: smaller ones are placed by fewest files alone.
        Assert.Single(before, line => line.StartsWith("first:", StringComparison.Ordinal));

        await rig.WipeAsync();
        await rig.RegisterAsync();
        var failure = await FailsAsync(FailureCode.MetadataUnavailable, () => rig.Cluster.PlaceAsync("op-wait", ["x"]));
        Assert.Contains("being rebuilt", failure.Message);
        Assert.Contains((await rig.Cluster.First.ClusterAsync(default)).Problems, problem => problem.Contains("rebuilt from the nodes", StringComparison.Ordinal));
        await rig.RebuildAsync();

        Assert.Equal(before, await rig.DumpAsync());
        await FailsAsync(FailureCode.Forbidden, () => rig.Cluster.First.DeleteSnapshotAsync(rig.Cluster.Client, new SnapshotDeleteRequest("named"), default));
        await rig.Cluster.AssertLoadsExactAsync();
        Assert.Equal(704, (await rig.ListAsync()).Length);
        var status = await rig.Cluster.Get<Rebuilder>().RebuildStatusAsync(default);
        Assert.True(status is { Running: false, VersionsRestored: 708 });
        // Numbers go on far beyond what could have been given out before.
        var next = await rig.StoreAsync("a");
        Assert.True(next.Receipts[0].Version > 1_000_000);
    }

    [SkippableFact]
    public async Task What_redis_did_not_take_is_read_from_the_nodes_again()
    {
        await using var rig = await Rig.StartAsync(fixture);
        foreach (var names in Enumerable.Range(0, 2_500).Select(i => $"many/{i}").Chunk(Limits.FilesPerCallMax))
            await rig.StoreAsync(names);
        var before = await rig.DumpAsync();
        await rig.WipeAsync();
        await rig.RegisterAsync();
        await rig.WaitForNodesAsync();
        Assert.Equal(Backup.ServiceDefaults.WorkerStep.Busy, await rig.Cluster.Get<RebuildWorker>().StepAsync(default));
        // The second page meets a key that is none of ours, before anything of it is written.
        var leaves = Keys.Leaves(rig.Cluster.Client);
        await rig.Cluster.Database.KeyRenameAsync(leaves, "aside");
        await rig.Cluster.Database.StringSetAsync(leaves, "x");
        await Assert.ThrowsAsync<RedisServerException>(() => rig.Cluster.Get<RebuildWorker>().StepAsync(default));
        await rig.Cluster.Database.KeyRenameAsync("aside", leaves);
        await rig.StepAsync();
        Assert.False((await rig.Cluster.Get<Rebuilder>().ReadAsync(default)).IsLost);
        Assert.Equal(before, await rig.DumpAsync());
    }

    [SkippableFact]
    public async Task A_new_cluster_of_empty_nodes_just_starts()
    {
        await using var rig = await Rig.StartAsync(fixture);
        await rig.StoreAsync("a");
        Assert.False((await rig.Cluster.Get<Rebuilder>().ReadAsync(default)).WasLost);
    }

    [SkippableFact]
    public async Task Nodes_notice_that_redis_went_back_in_time()
    {
        await using var rig = await Rig.StartAsync(fixture);
        await rig.StoreAsync("a");
        var heard = (await rig.HeartbeatAsync(0)).Max(reply => reply.Generation);
        Assert.True(heard > 0);
        Assert.All(await rig.HeartbeatAsync(heard), reply => Assert.False(reply.MustRegister));
        // One commit is taken back, as a restore of an older copy would.
        await rig.Cluster.Database.StringDecrementAsync(Keys.Generation);
        await rig.Cluster.Database.KeyDeleteAsync(Keys.File(rig.Cluster.Client, Path("a")));
        Assert.All(await rig.HeartbeatAsync(heard), reply => Assert.True(reply.MustRegister));
        await FailsAsync(FailureCode.MetadataUnavailable, () => rig.Cluster.PlaceAsync("op-wait", ["x"]));
        await rig.RegisterAsync();
        await rig.RebuildAsync();
        Assert.Equal(["a"], await rig.ListAsync());
        Assert.All(await rig.HeartbeatAsync(heard), reply => Assert.False(reply.MustRegister));
    }

    [SkippableFact]
    public async Task The_copies_of_a_node_that_noted_no_epoch_count_after_a_rebuild()
    {
        await using var rig = await Rig.StartAsync(fixture);
        await rig.StoreAsync("a", "b", "c", "d");
        await rig.WipeAsync();
        // As after a start whose first epoch could not be written down, or with a directory of the time before epochs were noted.
        rig.ForgetEpochs();
        await rig.RegisterAsync();
        await rig.RebuildAsync();
        Assert.All((await rig.Cluster.Get<ClusterView>().ReadAsync(default)).Nodes, node => Assert.Equal(0, node.Line.IncarnationEpoch));
    }

    [SkippableFact]
    public async Task A_node_that_may_lack_versions_is_compared()
    {
        await using var rig = await Rig.StartAsync(fixture);
        await rig.RegisterAsync(mayLack: true);
        Assert.All((await rig.Cluster.Get<ClusterView>().ReadAsync(default)).Nodes, node => Assert.NotNull(node.StaleEpoch));
    }

    [SkippableFact]
    public async Task A_node_that_was_away_is_merged_when_it_comes_back()
    {
        await using var rig = await Rig.StartAsync(fixture);
        await rig.StoreAsync("a", "b", "c", "d");
        var before = await rig.DumpAsync();
        await rig.WipeAsync();
        await rig.RegisterAsync(nodes: 2);
        await rig.RebuildAsync(nodes: 2);
        Assert.NotEqual(before, await rig.DumpAsync());
        Assert.True(await rig.Cluster.Database.SortedSetLengthAsync(Keys.Debts) > 0);
        // Writes go on meanwhile.
        await rig.Cluster.PlaceAsync("op-now", ["x"]);
        await rig.RegisterAsync();
        await rig.StepAsync();
        Assert.Equal(0, await rig.Cluster.Database.SortedSetLengthAsync(Keys.Debts));
        Assert.Equal(before.Where(line => line.StartsWith("f:", StringComparison.Ordinal)), (await rig.DumpAsync()).Where(line => line.StartsWith("f:", StringComparison.Ordinal)));
        await rig.Cluster.AssertLoadsExactAsync();
    }

    [SkippableFact]
    public async Task Asked_for_by_hand_nothing_that_is_known_changes()
    {
        await using var rig = await Rig.StartAsync(fixture);
        await rig.StoreAsync("a", "b");
        await rig.StoreAsync("a");
        await rig.Cluster.Second.SnapshotAsync(rig.Cluster.Client, new SnapshotRequest("named"), default);
        var before = await rig.DumpAsync();
        Assert.True((await rig.Cluster.Get<IRebuilder>().RebuildAsync(default)).Running);
        await rig.RegisterAsync();
        await rig.RebuildAsync();
        Assert.Equal(before, await rig.DumpAsync());
        Assert.Equal("named", Assert.Single((await rig.Cluster.First.SnapshotsAsync(rig.Cluster.Client, default)).Snapshots).Name);
    }

    [SkippableFact]
    public async Task Snapshots_and_retention_wait_while_the_metadata_is_rebuilt()
    {
        await using var rig = await Rig.StartAsync(fixture);
        var (client, manager) = (rig.Cluster.Client, rig.Cluster.First);
        foreach (var name in new[] { "one", "two" })
        {
            await rig.StoreAsync("a");
            await manager.SnapshotAsync(client, new SnapshotRequest(name, Automatic: true), default);
            rig.Cluster.Time.Advance(TimeSpan.FromDays(1));
            await rig.RegisterAsync();
        }
        await rig.StoreAsync("a");
        await rig.Cluster.Get<IRebuilder>().RebuildAsync(default);

        var keepOne = new RetentionRequest(new RetentionPolicy(Last: 1), Apply: true);
        foreach (var write in new Func<Task>[]
        {
            () => manager.SnapshotAsync(client, new SnapshotRequest("three"), default),
            () => manager.DeleteSnapshotAsync(client, new SnapshotDeleteRequest("one"), default),
            () => manager.RetainAsync(client, keepOne, default),
        })
            Assert.True((await FailsAsync(FailureCode.MetadataUnavailable, write)).IsOfRebuild);
        Assert.Equal(["one", "two"], (await manager.SnapshotsAsync(client, default)).Snapshots.Select(snapshot => snapshot.Name));

        await rig.RegisterAsync();
        await rig.RebuildAsync();
        Assert.Single((await manager.RetainAsync(client, keepOne, default)).Dropped);
        await rig.Cluster.Get<IRebuilder>().RebuildAsync(default);
        Assert.True((await FailsAsync(FailureCode.MetadataUnavailable, () => manager.UndoRetentionAsync(client, default))).IsOfRebuild);
    }

    [SkippableFact]
    public async Task What_a_node_has_forgotten_does_not_come_back()
    {
        await using var rig = await Rig.StartAsync(fixture);
        var gone = (await rig.StoreAsync("a")).Receipts[0].Version;
        await rig.StoreAsync("a");
        foreach (var node in rig.Nodes)
            await node.ForgetAsync(rig.Cluster.Client, gone);
        await rig.WipeAsync();
        await rig.RegisterAsync();
        await rig.RebuildAsync();
        Assert.Single((await rig.Cluster.First.VersionsAsync(rig.Cluster.Client, new VersionsRequest(Path("a")), default)).Versions);
    }

    [SkippableFact]
    public async Task A_manager_that_lost_the_duty_cannot_merge_and_other_duties_rest()
    {
        await using var rig = await Rig.StartAsync(fixture);
        await rig.StoreAsync("a");
        await rig.Cluster.Get<IRebuilder>().RebuildAsync(default);
        var (first, second) = (rig.Lease(0, VersionMerger.Duty), rig.Lease(1, VersionMerger.Duty));
        var token = (await first.TakeAsync(default))!.Value;
        Assert.Null(await second.TakeAsync(default));
        Assert.Null(await new DutyLease(rig.Cluster.Get<Metadata>(), rig.Cluster.Time, "any-other").TakeAsync(default));
        rig.Cluster.Time.Advance(Leases.Duty);
        Assert.True(await second.TakeAsync(default) > token);
        var head = rig.Manifests[0].Head with { Path = Path("late"), Version = 99 };
        FoundCopy[] copies = [new(head.Nodes[0], new HeldManifest(rig.Cluster.Client, head))];
        Assert.Null(await rig.Cluster.Get<VersionMerger>().MergeAsync(token, [copies], withHints: false, default));
        Assert.Equal(["a"], await rig.ListAsync());
    }
}

[Collection(OnGarnet.Name)]
public sealed class RebuildOnGarnet(GarnetFixture fixture) : RebuildTests(fixture);

[Collection(OnDebian.Name)]
public sealed class RebuildOnRedis(DebianFixture fixture) : RebuildTests(fixture);
