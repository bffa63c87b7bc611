using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Backup.Protocol;

namespace Backup.ClusterTests;

/// <summary>A node whose handles are used up by those who connect to it (I11, I12).</summary>
public sealed class HandlesTests
{
    private const string Prlimit = "/usr/bin/prlimit";

    /// <summary>What a node keeps for itself (HandleReserve), and room for a few connections.</summary>
    private const int HandlesLeft = 192 + 12;

    [LongFact, Trait("Runs", "long")]
    public async Task A_node_out_of_handles_turns_connections_away_and_serves_when_there_are_some_again()
    {
        Skip.IfNot(File.Exists(Prlimit), $"{Prlimit} is not installed (util-linux).");
        await using var cluster = await HealingCluster.StartAsync(grace: TimeSpan.FromMinutes(10));
        var files = await cluster.StoreAsync(20);
        var victim = files.Receipts[0].Nodes[0];
        var pid = await cluster.Running.ProcessIdAsync(victim.Value);
        var connection = cluster.Running.Connect(files.Client);

        await LimitAsync(pid, Directory.GetFiles($"/proc/{pid}/fd").Max(name => int.Parse(Path.GetFileName(name), CultureInfo.InvariantCulture)) + HandlesLeft);
        var connected = new List<TcpClient>();
        while (await IsServedAsync(connected, cluster.Running.App.GetEndpoint(victim.Value, "http")))
            Assert.True(connected.Count < HandlesLeft, "All are served: nothing is kept for the node itself.");

        for (var i = 0; i < files.Receipts.Length; i++)
            await connection.RestoreAsync((await connection.LookupAsync(files.Receipts[i].Path.Value))!, i);
        var uploaded = await connection.UploadAsync(Enumerable.Range(0, 20).Select(i => Transfers.File($"meanwhile/{i}", i, 200_000)));
        Assert.All(uploaded, receipt => Assert.Equal(2, receipt.Nodes.Length));
        await OnlyFailuresAsync(connection, victim, files.Receipts[0]);

        connected.ForEach(client => client.Dispose());
        Assert.Equal(pid, await cluster.Running.ProcessIdAsync(victim.Value));
        await cluster.UntilAsync("it is alive", status => status.Nodes.Single(node => node.Id == victim).State == NodeState.Alive);
        await cluster.Running.WaitUntilHealthyAsync(victim.Value);
        foreach (var (receipt, i) in files.Receipts.Select((receipt, i) => (receipt, i)).Where(file => file.receipt.Nodes.Contains(victim)))
            await connection.RestoreFromAsync((await connection.LookupAsync(receipt.Path.Value))!, victim, i);
    }

    /// <summary>Connects once more, keeps the connection, and asks something over it.</summary>
    private static async Task<bool> IsServedAsync(List<TcpClient> connected, Uri node)
    {
        var client = new TcpClient();
        connected.Add(client);
        try
        {
            await client.ConnectAsync(node.Host, node.Port);
            await client.GetStream().WriteAsync("GET /alive HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray());
            return await client.GetStream().ReadAsync(new byte[1]) > 0;
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            return false;
        }
    }

    /// <summary>From this very node: whatever it says is one of the failures, and no bug.</summary>
    private static async Task OnlyFailuresAsync(ClusterConnection connection, NodeId node, Receipt receipt)
    {
        var target = new Asking();
        var version = (await connection.LookupAsync(receipt.Path.Value))!;
        try
        {
            await new Restorer(connection, new TransferCounters()) { FollowsMoves = false }.RestoreAsync([version with { Nodes = [node] }], target, default);
        }
        catch (FailureException e)
        {
            Assert.NotEqual(FailureCode.Internal, e.Failure.Code);
        }
        Assert.NotEqual(FailureCode.Internal, target.Failure?.Code);
    }

    private sealed class Asking : IRestoreTarget
    {
        public Failure? Failure { get; private set; }

        public Stream? Begin(FileVersion version, ManifestHead head) => null;

        public void Complete(FileVersion version, ManifestHead head)
        {
        }

        public void Failed(FileVersion version, Failure failure) => Failure = failure;
    }

    private static async Task LimitAsync(int pid, int handles)
    {
        using var prlimit = Process.Start(Prlimit, ["--pid", pid.ToString(CultureInfo.InvariantCulture), $"--nofile={handles}:"]);
        await prlimit.WaitForExitAsync();
        Assert.Equal(0, prlimit.ExitCode);
    }
}
