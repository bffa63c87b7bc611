using Backup.Protocol;

namespace Backup.ClusterTests;

/// <summary>Retention on a whole cluster: what nobody can ask for any more is forgotten by its nodes, and the disk gets its space back.</summary>
public class RetentionTests
{
    private const int Files = 16;
    private const int FileBytes = 4 << 20;

    [LongFact, Trait("Runs", "long")]
    public async Task What_retention_drops_gives_its_space_back_and_the_rest_comes_back_whole()
    {
        await using var cluster = await RunningCluster.StartAsync(null, nodes: 3, "--Manager:UndoTime=00:00:00", "--Node:GraceTime=00:00:00");
        var connection = cluster.Connect(ClientId.New());
        await connection.UploadAsync(Enumerable.Range(0, Files).Select(i => Transfers.File($"half/{i}", i, FileBytes)));
        await SnapshotAsync(connection, "before");
        await connection.UploadAsync(Enumerable.Range(0, Files / 2).Select(i => Transfers.Gone($"half/{i}")));
        await SnapshotAsync(connection, "after");

        var retained = await connection.AskAsync(n => n.RetainAsync(connection.Client, new RetentionRequest(new RetentionPolicy(Last: 1), Apply: true), default), default);
        Assert.Equal(Files, retained.Versions); // of each deleted file its content and its tombstone
        await FreedAsync(cluster, liveBytes: 2L * Files / 2 * FileBytes);

        for (var i = Files / 2; i < Files; i++)
            await connection.RestoreAsync((await connection.LookupAsync($"half/{i}"))!, i);
        var status = await connection.StatusAsync();
        Assert.Equal(2 * Files / 2, status.Nodes.Sum(node => node.Files));
    }

    [Fact]
    public async Task What_was_dropped_by_mistake_comes_back_with_its_content()
    {
        await using var cluster = await RunningCluster.StartAsync(null, nodes: 2, "--Node:GraceTime=00:00:00");
        var connection = cluster.Connect(ClientId.New());
        await connection.UploadAsync(Transfers.File("wanted", 1, 3_000_000));
        await SnapshotAsync(connection, "before");
        await connection.UploadAsync(Transfers.Gone("wanted"));
        await SnapshotAsync(connection, "after");
        await connection.AskAsync(n => n.RetainAsync(connection.Client, new RetentionRequest(new RetentionPolicy(Last: 1), Apply: true), default), default);
        Assert.Empty(await VersionsAsync(connection, "wanted"));
        await CollectAsync(cluster);
        await CollectAsync(cluster);

        Assert.Equal(2, (await connection.AskAsync(n => n.UndoRetentionAsync(connection.Client, default), default)).Versions);
        await connection.RestoreAsync((await VersionsAsync(connection, "wanted"))[0], 1);
    }

    /// <summary>What lies aside is copied away from a node that is emptied, and again when a node dies.</summary>
    [LongFact, Trait("Runs", "long")]
    public async Task What_was_dropped_comes_back_though_a_node_that_held_it_was_removed_and_another_died()
    {
        await using var cluster = await HealingCluster.StartAsync();
        var files = await cluster.StoreAsync(40);
        var connection = cluster.Running.Connect(files.Client);
        await SnapshotAsync(connection, "before");
        await connection.UploadAsync(files.Receipts.Select(receipt => Transfers.Gone(receipt.Path.Value)));
        await SnapshotAsync(connection, "after");
        var retained = await connection.AskAsync(n => n.RetainAsync(connection.Client, new RetentionRequest(new RetentionPolicy(Last: 1), Apply: true), default), default);
        Assert.Equal(2 * files.Receipts.Length, retained.Versions);

        // No node holds a file that is listed.
        Assert.All((await cluster.StatusAsync()).Nodes, node => Assert.Equal(0, node.Files));
        var leaving = files.Receipts[0].Nodes[0];
        Assert.NotEqual(0, await cluster.HeldAsync(leaving));
        await cluster.Operate(node => node.DrainAsync(new DrainRequest(leaving, true), default));
        await cluster.UntilEventAsync(EventKind.NodeDrained, leaving);
        await cluster.UntilHeldAsync(leaving, 0);
        await cluster.Running.StopAsync(leaving.Value);
        var dying = files.Receipts[0].Nodes[1];
        await cluster.Running.KillAsync(dying.Value);
        await cluster.UntilAsync("the dead node's versions have copies elsewhere",
            status => status.Repair is { Running: false, VersionsLeft: 0 } repair && repair.Reasons.Any(reason => reason.Contains(dying.Value, StringComparison.Ordinal)));

        Assert.Equal(retained.Versions, (await connection.AskAsync(n => n.UndoRetentionAsync(connection.Client, default), default)).Versions);
        for (var i = 0; i < files.Receipts.Length; i++)
        {
            var version = (await VersionsAsync(connection, files.Receipts[i].Path.Value))[0];
            Assert.Equal(2, version.Nodes.Except([leaving, dying]).Count());
            foreach (var node in version.Nodes)
                await connection.RestoreFromAsync(version, node, i);
        }
    }

    /// <summary>Waits for the managers to have told the nodes, and the nodes to have collected. At most 1.1 times what is live may remain.</summary>
    private static async Task FreedAsync(RunningCluster cluster, long liveBytes)
    {
        using var patience = new CancellationTokenSource(RunningCluster.PatienceMax);
        long stored;
        while ((stored = await CollectAsync(cluster)) > liveBytes * 11 / 10)
        {
            Assert.False(patience.IsCancellationRequested, $"{stored} bytes are stored for {liveBytes} live ones.");
            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System);
        }
        var onDisk = Directory.EnumerateFiles(cluster.DataDirectory, "*.pack", SearchOption.AllDirectories).Sum(file => new FileInfo(file).Length);
        Assert.InRange(onDisk, liveBytes, liveBytes * 11 / 10);
    }

    private static async Task<long> CollectAsync(RunningCluster cluster)
    {
        long stored = 0;
        for (var number = 1; number <= cluster.Nodes; number++)
            stored += (await cluster.ConnectAsPeer<ICollector>($"node-{number}").CollectAsync(default)).StoredBytes;
        return stored;
    }

    private static async Task<FileVersion[]> VersionsAsync(ClusterConnection connection, string path) =>
        (await connection.AskAsync(n => n.VersionsAsync(connection.Client, new VersionsRequest(RootedPath.Parse(path)), default), default)).Versions;

    private static Task<Snapshot> SnapshotAsync(ClusterConnection connection, string name) =>
        connection.AskAsync(n => n.SnapshotAsync(connection.Client, new SnapshotRequest(name, Automatic: true), default), default);
}
