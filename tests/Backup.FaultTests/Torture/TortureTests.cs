using System.Globalization;
using Backup.ClusterTests;
using Backup.FaultTests.Simulation;
using Backup.Protocol;
using Backup.Storage.Collection;
using Backup.Storage.Packs;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit.Abstractions;

namespace Backup.FaultTests.Torture;

public class TortureTests(ITestOutputHelper output)
{
    /// <summary>`.ci/run` asks for six minutes.</summary>
    private const int SecondsDefault = 20;

    private const int Nodes = 4;

    /// <summary>I11: what a node may have resident; its caches and buffers are bounded far below.</summary>
    private const long ResidentBytesMax = 700L << 20;

    private readonly List<string> history = [];
    private readonly List<string> violations = [];

    [Fact]
    public async Task A_cluster_whose_processes_are_killed_loses_nothing()
    {
        var time = Number("BACKUP_SOAK_HOURS") is { } hours ? TimeSpan.FromHours(hours) : TimeSpan.FromSeconds(Number("BACKUP_TORTURE_SECONDS") ?? SecondsDefault);
        var seed = (int)(Number("BACKUP_SEED") ?? 1);
        var directory = Directory.CreateTempSubdirectory("backup-torture-").FullName;
        try
        {
            string summary;
            Chaos chaos;
            await using (var cluster = await RunningCluster.StartAsync(directory, Nodes, "--Node:ReserveBytes=1000000"))
                (summary, chaos) = await TortureAsync(cluster, time, seed);
            await CheckOrphansAsync(directory, chaos);
            summary += $", {violations.Count} violations";
            output.WriteLine(summary);
            Assert.True(violations.Count == 0, $"{summary}\n{string.Join("\n", violations.Take(10))}\nhistory:\n{string.Join("\n", history.TakeLast(200))}");
            Assert.NotEqual(0, chaos.Kills);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private async Task<(string Summary, Chaos Chaos)> TortureAsync(RunningCluster cluster, TimeSpan time, int seed)
    {
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

        Assert.NotEmpty(ledger.Acknowledged);
        return ($"{time.TotalSeconds:F0} s, {chaos.Kills} kills among {chaos.Faults} faults, {chaos.Cuts} connections cut, {workers.Sum(worker => worker.Operations)} operations, "
            + $"{ledger.Acknowledged.Count()} changes acknowledged of {ledger.Changes.Count}, longest wait {workers.Max(worker => worker.LongestWait).TotalSeconds:F1} s", chaos);
    }

    /// <summary>I5: on what the cluster left, without a grace time for what nothing names; nothing else runs any more.</summary>
    private async Task CheckOrphansAsync(string directory, Chaos chaos)
    {
        for (var number = 1; number <= Nodes; number++)
        {
            if (number == chaos.Victim && chaos.IsVictimDamaged)
                continue;
            var id = NodeId.Parse($"node-{number}");
            await using var store = await PackStore.OpenAsync(new PackStoreOptions { Directory = Path.Combine(directory, id.Value), NodeId = id, ReserveBytes = 0 },
                NullLogger.Instance, TimeProvider.System, default);
            using var collector = new Collector(store, TimeSpan.Zero, TimeProvider.System, NullLogger<Collector>.Instance);
            // The first time notes what nothing names, the second takes away what is left of it.
            await collector.CollectAsync(default);
            await collector.CollectAsync(default);
            await Orphans.FindAsync(store, Violation);
        }
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
