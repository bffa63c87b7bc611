using System.Diagnostics;
using Backup.Protocol;

namespace Backup.ClusterTests;

/// <summary>Nodes die for good, lose their data, leave and join, and after a while each version has its copies again (I3, I4).</summary>
public sealed class HealingTests(Xunit.Abstractions.ITestOutputHelper output)
{
    /// <summary>Prints how long the cluster takes; run it on a quiet machine.</summary>
    [LongFact]
    public async Task Figures_of_a_node_with_10_000_small_files_that_dies()
    {
        await using var cluster = await HealingCluster.StartAsync();
        var client = ClientId.New();
        var receipts = await cluster.Running.Connect(client).UploadAsync(Enumerable.Range(0, 20_000).Select(i => Transfers.File($"many/{i:d5}", i, 4_096)));
        var victim = receipts[0].Nodes[0];
        var held = cluster.FilesOn(await cluster.StatusAsync(), victim);
        await cluster.Running.KillAsync(victim.Value);
        var dead = Stopwatch.StartNew();
        await cluster.UntilAsync("a pass begins", status => status.Repair is { Running: true });
        var noticed = dead.Elapsed;
        await cluster.UntilAsync("it ends", status => status.Repair is { Running: false, VersionsLeft: 0 } && cluster.FilesOn(status, victim) == 0);
        var repair = (await cluster.StatusAsync()).Repair!;
        output.WriteLine($"{held} files on the node that died; {repair.VersionsCopied} copies made, {repair.BytesCopied >> 10} KiB; "
            + $"noticed and given up after {noticed.TotalSeconds:f1} s (grace 2 s), full copies {(dead.Elapsed - noticed).TotalSeconds:f1} s later.");
        await cluster.AssertCopiesExactAsync(new HealingCluster.Files(client, [.. receipts.Where((_, i) => i % 100 == 0)]));
    }

    [Fact]
    public async Task The_files_of_a_node_that_died_get_new_copies_and_its_return_leaves_no_surplus()
    {
        await using var cluster = await HealingCluster.StartAsync();
        var files = await cluster.StoreAsync(120);
        var victim = files.Receipts[0].Nodes[0];
        await cluster.Running.KillAsync(victim.Value);
        await cluster.UntilAsync("the dead node's files have copies elsewhere", status => status.Repair is { Running: false, VersionsLeft: 0 } && cluster.FilesOn(status, victim) == 0);
        await cluster.AssertCopiesExactAsync(files);
        await cluster.AssertRestorableFromEachAsync(files);

        await cluster.Running.StartAgainAsync(victim.Value);
        await cluster.UntilHeldAsync(victim, 0);
        await cluster.AssertCopiesExactAsync(files);
        // Said by a job that looks every second, not by the return itself.
        await cluster.UntilEventAsync(EventKind.NodeReturned, victim);
        var kinds = (await cluster.EventsAsync()).Where(one => one.Subject == victim.Value).Select(one => one.Kind);
        Assert.Equal([EventKind.NodeJoined, EventKind.NodeDied, EventKind.NodeReturned], kinds);
    }

    [LongFact, Trait("Runs", "long")]
    public async Task A_drained_node_is_emptied_and_takes_files_again_when_it_is_wanted_back()
    {
        await using var cluster = await HealingCluster.StartAsync();
        var files = await cluster.StoreAsync(120);
        var leaving = files.Receipts[0].Nodes[0];
        await cluster.Operate(node => node.DrainAsync(new DrainRequest(leaving, true), default));
        await cluster.UntilEventAsync(EventKind.NodeDrained, leaving);
        await cluster.UntilHeldAsync(leaving, 0);
        await cluster.AssertCopiesExactAsync(files);
        await cluster.AssertRestorableFromEachAsync(files);
        Assert.Equal(0, cluster.FilesOn(await cluster.StatusAsync(), leaving));

        await cluster.Operate(node => node.DrainAsync(new DrainRequest(leaving, false), default));
        await cluster.Operate(node => node.RebalanceAsync(default));
        await cluster.UntilEventAsync(EventKind.Rebalanced, null);
        await cluster.UntilAsync("the counts are even", status => status.Nodes.Max(node => node.Files) - status.Nodes.Min(node => node.Files) <= 1);
        await cluster.AssertCopiesExactAsync(files);
        await cluster.AssertRestorableFromEachAsync(files);
    }

    [LongFact, Trait("Runs", "long")]
    public async Task A_restore_by_an_old_listing_finds_files_both_copies_of_which_went_elsewhere_since()
    {
        await using var cluster = await HealingCluster.StartAsync();
        var files = await cluster.StoreAsync(40);
        var connection = cluster.Running.Connect(files.Client);
        var listed = new List<FileVersion>();
        foreach (var receipt in files.Receipts)
            listed.Add((await connection.LookupAsync(receipt.Path.Value))!);
        var leaving = files.Receipts[0].Nodes;
        foreach (var id in leaving)
            await cluster.Operate(node => node.DrainAsync(new DrainRequest(id, true), default));
        foreach (var id in leaving)
        {
            await cluster.UntilEventAsync(EventKind.NodeDrained, id);
            await cluster.UntilHeldAsync(id, 0);
        }
        for (var i = 0; i < listed.Count; i++)
            await connection.RestoreAsync(listed[i], i);
    }

    [LongFact, Trait("Runs", "long")]
    public async Task A_node_that_was_added_gets_its_share_and_no_more()
    {
        var directory = Directory.CreateTempSubdirectory("backup-grown-").FullName;
        try
        {
            HealingCluster.Files files;
            await using (var small = await HealingCluster.StartAsync(directory))
                files = await small.StoreAsync(100);
            await using var grown = await HealingCluster.StartAsync(directory, nodes: 5);
            await grown.Operate(node => node.RebalanceAsync(default));
            await grown.UntilEventAsync(EventKind.Rebalanced, null);
            var status = await grown.StatusAsync();
            Assert.All(status.Nodes, node => Assert.Equal(40, node.Files));
            Assert.Equal(40, status.Repair!.VersionsCopied);
            await grown.AssertCopiesExactAsync(files);
            await grown.AssertRestorableFromEachAsync(files);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [LongFact, Trait("Runs", "long")]
    public async Task Copies_that_are_owed_are_shown_and_repaid()
    {
        await using var cluster = await HealingCluster.StartAsync(nodes: 2, more: "--Cluster:OnMissingCopies=accept-debt");
        var victim = NodeId.Parse("node-1");
        await cluster.Running.KillAsync(victim.Value);
        await cluster.UntilAsync("its lease has lapsed", status => status.Nodes.Single(node => node.Id == victim).State == NodeState.Dead);
        var files = await cluster.StoreAsync(30);
        Assert.All(files.Receipts, receipt => Assert.Equal((1, 1), (receipt.CopiesOwed, receipt.Nodes.Length)));
        Assert.Equal(30, (await cluster.StatusAsync()).CopiesOwed);
        await cluster.UntilEventAsync(EventKind.CopiesOwed, null);

        await cluster.Running.StartAgainAsync(victim.Value);
        await cluster.UntilEventAsync(EventKind.CopiesRepaid, null);
        await cluster.AssertCopiesExactAsync(files);
        await cluster.AssertRestorableFromEachAsync(files);
    }

    [LongTheory, Trait("Runs", "long")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_node_that_comes_back_without_what_it_held_gets_it_again(bool isOldCopy)
    {
        await using var cluster = await HealingCluster.StartAsync(grace: TimeSpan.FromHours(1));
        var before = await cluster.StoreAsync(40);
        var victim = before.Receipts[0].Nodes[0];
        var directory = Path.Combine(cluster.Running.DataDirectory, victim.Value);
        if (isOldCopy)
        {
            await cluster.Running.StopAsync(victim.Value);
            CopyDirectory(directory, directory + ".old");
            await cluster.Running.StartAgainAsync(victim.Value);
        }
        var after = await cluster.StoreAsync(80, "later");
        await cluster.Running.KillAsync(victim.Value);
        Directory.Delete(directory, recursive: true);
        if (isOldCopy)
            Directory.Move(directory + ".old", directory);
        await cluster.UntilAsync("its lease has lapsed", status => status.Nodes.Single(node => node.Id == victim).State == NodeState.Dead);
        var away = await cluster.StatusAsync();
        await cluster.Running.StartAgainAsync(victim.Value);

        await cluster.UntilEventAsync(EventKind.NodeLostData, victim);
        await cluster.UntilRepairedAsync(away);
        foreach (var files in new[] { before, after })
        {
            await cluster.AssertCopiesExactAsync(files);
            await cluster.AssertRestorableFromEachAsync(files);
        }
    }

    [LongFact, Trait("Runs", "long")]
    public async Task A_node_whose_manifests_rotted_before_its_index_was_made_anew_gets_them_again()
    {
        await using var cluster = await HealingCluster.StartAsync(grace: TimeSpan.FromHours(1));
        var files = await cluster.StoreAsync(40);
        var victim = files.Receipts[0].Nodes[0];
        var directory = Path.Combine(cluster.Running.DataDirectory, victim.Value);
        await cluster.Running.StopAsync(victim.Value);
        Assert.True(RotManifests(directory) > 0);
        foreach (var file in Directory.GetFiles(directory, "index.db*"))
            File.Delete(file);
        var away = await cluster.StatusAsync();
        await cluster.Running.StartAgainAsync(victim.Value);

        await cluster.UntilEventAsync(EventKind.NodeLostData, victim);
        await cluster.UntilRepairedAsync(away);
        await cluster.AssertCopiesExactAsync(files);
        await cluster.AssertRestorableFromEachAsync(files);
    }

    /// <summary>Flips a bit in the header of every manifest of a node that is stopped.</summary>
    private static int RotManifests(string directory)
    {
        const int packHeaderBytes = 128;
        var rotted = 0;
        foreach (var path in Directory.GetFiles(Path.Combine(directory, "packs"), "*.pack"))
        {
            var pack = File.ReadAllBytes(path);
            for (var at = packHeaderBytes; RecordHeader.TryRead(pack.AsSpan(at), out var header); at += header.RecordBytes)
            {
                if (header.Kind != RecordKind.Manifest)
                    continue;
                pack[at] ^= 1;
                rotted++;
            }
            File.WriteAllBytes(path, pack);
        }
        return rotted;
    }

    private static void CopyDirectory(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.GetFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        foreach (var folder in Directory.GetDirectories(from))
            CopyDirectory(folder, Path.Combine(to, Path.GetFileName(folder)));
    }
}
