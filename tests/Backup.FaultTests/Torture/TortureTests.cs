using System.Globalization;
using Backup.ClusterTests;
using Backup.FaultTests.Simulation;
using Backup.Protocol;
using Xunit.Abstractions;

namespace Backup.FaultTests.Torture;

public class TortureTests(ITestOutputHelper output)
{
    /// <summary>`.ci/run` asks for six minutes.</summary>
    private const int SecondsDefault = 20;

    /// <summary>I11: what a node may have resident; its caches and buffers are bounded far below.</summary>
    private const long ResidentBytesMax = 700L << 20;

    private readonly List<string> history = [];
    private readonly List<string> violations = [];

    [Fact]
    public async Task A_cluster_whose_processes_are_killed_loses_nothing()
    {
        var time = Number("BACKUP_SOAK_HOURS") is { } hours ? TimeSpan.FromHours(hours) : TimeSpan.FromSeconds(Number("BACKUP_TORTURE_SECONDS") ?? SecondsDefault);
        var seed = (int)(Number("BACKUP_SEED") ?? 1);
        await using var cluster = await RunningCluster.StartAsync(nodes: 4, more: "--Node:ReserveBytes=1000000");
        var proxies = cluster.Addresses().Select(address => new FaultyProxy(address)).ToArray();
        var ledger = new Ledger();
        var clients = Enumerable.Range(0, 3).Select(_ => ClientId.New()).ToArray();
        var workers = clients.Select((client, i) => new TortureClient(
            cluster.Connect(client, [.. proxies.Select(proxy => proxy.Address)]), ledger, new Random(seed * 100 + i), Violation, Note)).ToArray();
        var chaos = new Chaos(cluster, proxies, new Random(seed), Note);

        using (var timeOver = new CancellationTokenSource(time))
        using (var stop = new CancellationTokenSource())
        {
            var working = workers.Select(worker => Task.Run(() => worker.RunAsync(stop.Token))).ToArray();
            await chaos.RunAsync(timeOver.Token, (int)(Number("BACKUP_TORTURE_KILLS") ?? 1));
            await stop.CancelAsync();
            await Task.WhenAll(working);
        }
        await QuietAsync(cluster);
        await new TortureCheck(cluster, ledger, clients, node => node == chaos.Victim && chaos.IsVictimDamaged, Violation).RunAsync();
        foreach (var (resource, bytes) in (await cluster.PeakResidentBytesAsync()).Where(peak => peak.Key.StartsWith("node", StringComparison.Ordinal) && peak.Value > ResidentBytesMax))
            Violation($"I11: {resource} had {bytes >> 20} MiB resident");
        foreach (var proxy in proxies)
            await proxy.DisposeAsync();

        var summary = $"{time.TotalSeconds:F0} s, {chaos.Kills} kills among {chaos.Faults} faults, {workers.Sum(worker => worker.Operations)} operations, "
            + $"{ledger.Acknowledged.Count()} changes acknowledged of {ledger.Changes.Count}, longest wait {workers.Max(worker => worker.LongestWait).TotalSeconds:F1} s, {violations.Count} violations";
        output.WriteLine(summary);
        Assert.True(violations.Count == 0, $"{summary}\n{string.Join("\n", violations.Take(10))}\nhistory:\n{string.Join("\n", history.TakeLast(200))}");
        Assert.NotEqual(0, chaos.Kills);
        Assert.NotEmpty(ledger.Acknowledged);
    }

    /// <summary>Waits until every node is alive and repair has nothing to do.</summary>
    private async Task QuietAsync(RunningCluster cluster)
    {
        await cluster.WaitUntilHealthyAsync([.. cluster.Resources]);
        var connection = cluster.Connect(ClientId.New());
        for (var tries = 0; ; tries++)
        {
            var status = await connection.StatusAsync();
            var repair = await connection.AskAsync(node => node.RepairStatusAsync(default), default);
            if (status.Nodes.All(node => node.State == NodeState.Alive) && !repair.Running)
                return;
            if (tries > 240)
            {
                Violation($"I11: not quiet two minutes after the last fault: {string.Join(" ", status.Problems)}");
                return;
            }
            await Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System);
        }
    }

    private void Violation(string what)
    {
        lock (violations)
            violations.Add(what);
        Note($"VIOLATION {what}");
    }

    private void Note(string what)
    {
        lock (history)
            history.Add($"{TimeProvider.System.GetUtcNow():HH:mm:ss.fff} {what}");
    }

    private static double? Number(string variable) =>
        double.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var number) ? number : null;
}
