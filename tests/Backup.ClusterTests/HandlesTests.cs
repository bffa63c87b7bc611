using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Backup.Protocol;

namespace Backup.ClusterTests;

/// <summary>A node that can open nothing any more: neither a connection nor a file.</summary>
public class HandlesTests
{
    private const string Prlimit = "/usr/bin/prlimit";

    [SkippableFact]
    public async Task A_node_without_handles_is_gone_round_and_comes_back()
    {
        Skip.IfNot(File.Exists(Prlimit), $"{Prlimit} is not installed (apt-get install util-linux).");
        await using var cluster = await RunningCluster.StartAsync(null, nodes: 3);
        var connection = cluster.Connect(ClientId.New());
        var before = await connection.UploadAsync(Enumerable.Range(0, 12).Select(i => Transfers.File($"before/{i}", i, 400_000)));
        var victim = before[0].Nodes[0];
        var number = int.Parse(victim.Value["node-".Length..], CultureInfo.InvariantCulture);
        var processId = await cluster.ProcessIdAsync(victim.Value);

        // What it has open it keeps; there is no room for more.
        Limit(processId, Directory.GetFiles($"/proc/{processId}/fd").Length);
        var idle = Enumerable.Range(0, 50).Select(_ => Connect(cluster.NodeAddress(number))).ToList();
        for (var i = 0; i < before.Length; i++)
            await connection.RestoreAsync((await connection.LookupAsync($"before/{i}"))!, i);
        var during = await connection.UploadAsync(Enumerable.Range(0, 12).Select(i => Transfers.File($"during/{i}", i, 400_000)));
        Assert.All(during, receipt => Assert.Equal(2, receipt.Nodes.Distinct().Count()));

        Limit(processId, 4096);
        idle.ForEach(socket => socket.Dispose());
        await AnswersAgainAsync(cluster, victim);
        for (var i = 0; i < before.Length; i++)
        {
            var version = (await connection.LookupAsync($"before/{i}"))!;
            if (version.Nodes.Contains(victim))
                await connection.RestoreFromAsync(version, victim, i);
        }
    }

    private static Socket Connect(Uri address)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Connect("127.0.0.1", address.Port);
        return socket;
    }

    private static void Limit(int processId, int handles)
    {
        using var prlimit = Process.Start(Prlimit, ["--pid", $"{processId}", $"--nofile={handles}:4096"]);
        prlimit.WaitForExit();
        Assert.Equal(0, prlimit.ExitCode);
    }

    private static async Task AnswersAgainAsync(RunningCluster cluster, NodeId node)
    {
        using var patience = new CancellationTokenSource(RunningCluster.PatienceMax);
        var connection = cluster.Connect(ClientId.New());
        while ((await connection.StatusAsync()).Nodes.Single(n => n.Id == node).State != NodeState.Alive)
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, patience.Token);
    }
}
