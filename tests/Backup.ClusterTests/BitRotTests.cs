using Backup.Protocol;

namespace Backup.ClusterTests;

/// <summary>Bytes rot on the disks of a running cluster: they are never served, and come back from the other copy.</summary>
public class BitRotTests
{
    private const int Files = 6;
    private const int SizeBytes = 300_000;

    [Fact]
    public async Task What_rots_in_a_pack_is_repaired_from_the_other_copy_without_being_asked_for()
    {
        await using var cluster = await RunningCluster.StartAsync(null, 2, "--Node:ScrubInterval=00:00:04");
        var connection = cluster.Connect(ClientId.New());
        var receipts = await connection.UploadAsync(Enumerable.Range(0, Files).Select(i => Transfers.File($"file/{i}", i, SizeBytes)));
        var node = NodeId.Parse("node-1");
        Rot(cluster, "node-1", everyBytes: 50_000);
        var rotted = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        await UntilAsync(connection, node, receipts, copy => copy is { Held: true, Damaged: false } && copy.VerifiedMs > rotted);
        for (var i = 0; i < Files; i++)
            await connection.RestoreFromAsync((await connection.LookupAsync($"file/{i}"))!, node, i);
    }

    [Fact]
    public async Task What_a_restore_finds_damaged_comes_from_the_other_copy_and_is_repaired()
    {
        await using var cluster = await RunningCluster.StartAsync(null, 2);
        var connection = cluster.Connect(ClientId.New());
        var receipts = await connection.UploadAsync(Enumerable.Range(0, Files).Select(i => Transfers.File($"file/{i}", i, SizeBytes)));
        foreach (var name in new[] { "node-1", "node-2" })
        {
            Rot(cluster, name, everyBytes: 50_000);
            for (var i = 0; i < Files; i++)
            {
                // This node alone cannot give it, and gives nothing wrong; both together can.
                var version = (await connection.LookupAsync($"file/{i}"))! with { Nodes = [NodeId.Parse(name)] };
                var target = new Refusing();
                await new Restorer(connection, new TransferCounters()).RestoreAsync([version], target, default);
                Assert.True(target.Failure is { Code: FailureCode.Corrupt } || target.Completed);
                await connection.RestoreAsync((await connection.LookupAsync($"file/{i}"))!, i);
            }
            await UntilAsync(connection, NodeId.Parse(name), receipts, copy => copy is { Held: true, Damaged: false });
        }
    }

    [LongFact, Trait("Runs", "long")]
    public async Task With_both_copies_bad_the_file_is_named_and_the_others_are_served()
    {
        await using var cluster = await RunningCluster.StartAsync(null, 2, "--Node:ScrubInterval=00:00:04");
        var connection = cluster.Connect(ClientId.New());
        await connection.UploadAsync(Transfers.File("first", 1, SizeBytes));
        Receipt[] receipts = [await connection.UploadAsync(Transfers.File("second", 2, SizeBytes))];
        // The first record of each pack.
        foreach (var name in new[] { "node-1", "node-2" })
            Flip(Pack(cluster, name), 128 + 112 + 1000);
        var first = (await connection.LookupAsync("first"))!;
        foreach (var node in first.Nodes)
        {
            await UntilAsync(connection, node, [receipts[0] with { Version = first.Version }], copy => copy is { Held: false, Damaged: true });
            await UntilAsync(connection, node, receipts, copy => copy is { Held: true, Damaged: false });
        }
        var target = new Refusing();
        await new Restorer(connection, new TransferCounters()).RestoreAsync([first], target, default);
        Assert.Contains("first", target.FailedPath);
        await connection.RestoreAsync((await connection.LookupAsync("second"))!, 2);
    }

    private static string Pack(RunningCluster cluster, string node) => Directory.GetFiles(Path.Combine(cluster.DataDirectory, node, "packs"), "*.pack").Order().First();

    private static void Rot(RunningCluster cluster, string node, int everyBytes)
    {
        var pack = Pack(cluster, node);
        for (var at = 1_000L; at < new FileInfo(pack).Length; at += everyBytes)
            Flip(pack, at);
    }

    private static void Flip(string path, long offset)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        var bytes = new byte[1];
        RandomAccess.Read(file, bytes, offset);
        bytes[0] ^= 0x10;
        RandomAccess.Write(file, bytes, offset);
    }

    private static async Task UntilAsync(ClusterConnection connection, NodeId node, Receipt[] receipts, Func<CopyState, bool> isSo)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (true)
        {
            var copies = (await connection.AskAsync(n => n.CopiesAsync(
                connection.Client, node.Value, new CopiesRequest([.. receipts.Select(receipt => receipt.Version)]), default), default)).Copies;
            if (copies.All(isSo))
                return;
            try
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, patience.Token);
            }
            catch (OperationCanceledException)
            {
                Assert.Fail($"The copies on {node} stay as they are: {string.Join("; ", copies.AsEnumerable())}");
            }
        }
    }

    private sealed class Refusing : IRestoreTarget
    {
        public Failure? Failure { get; private set; }

        public string FailedPath { get; private set; } = "";

        public bool Completed { get; private set; }

        public Stream? Begin(FileVersion version, ManifestHead head) => null;

        public void Complete(FileVersion version, ManifestHead head) => Completed = true;

        public void Failed(FileVersion version, Failure failure) => (Failure, FailedPath) = (failure, version.Path.Value);
    }
}
