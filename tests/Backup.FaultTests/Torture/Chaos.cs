using System.Diagnostics;
using Backup.ClusterTests;

namespace Backup.FaultTests.Torture;

/// <summary>Kills, stops and damages the processes of a cluster, by pid, for as long as it is told to.</summary>
internal sealed class Chaos(RunningCluster cluster, FaultyProxy[] proxies, Random random, Action<string> note)
{
    /// <summary>Between two faults: long enough that some work gets done, short enough for five kills a minute.</summary>
    private static readonly TimeSpan PauseMax = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan FreezeMax = TimeSpan.FromSeconds(9);

    private const string SocketStatistics = "/usr/bin/ss";

    public int Kills { get; private set; }

    public int Faults { get; private set; }

    /// <summary>Connections that were cut between processes.</summary>
    public int Cuts { get; private set; }

    /// <summary>The one node whose packs are damaged: the other copies must do.</summary>
    public int Victim { get; } = random.Next(1, cluster.Nodes + 1);

    public bool IsVictimDamaged { get; private set; }

    /// <param name="killsMin">It goes on beyond its time until it has killed so often.</param>
    public async Task RunAsync(CancellationToken stop, int killsMin)
    {
        while (!stop.IsCancellationRequested || Kills < killsMin)
        {
            Faults++;
            await FaultAsync();
            await Task.Delay(PauseMax * random.NextDouble(), TimeProvider.System, CancellationToken.None);
        }
        foreach (var proxy in proxies)
            proxy.Fault = ProxyFault.None;
    }

    private Task FaultAsync() => random.Next(20) switch
    {
        < 8 => KillAsync(AnyNode()),
        < 10 => KillAsync("manager"),
        < 12 => KillAsync("redis"),
        < 14 => KillAsync(AnyNode(), random.Next(2) == 0 ? "manager" : "redis"),
        < 16 => FreezeAsync(random.Next(4) == 0 ? "manager" : AnyNode()),
        < 17 => ProxyAsync(),
        < 19 => CutAsync(),
        _ => DamageAsync(),
    };

    /// <summary>SIGKILL, some time away, and back.</summary>
    private async Task KillAsync(params string[] resources)
    {
        foreach (var resource in resources)
        {
            note($"kill {resource}");
            Kills++;
            await cluster.KillAsync(resource);
        }
        await Task.Delay(TimeSpan.FromSeconds(random.Next(3)), TimeProvider.System);
        foreach (var resource in resources.Reverse())
            await cluster.StartAgainAsync(resource);
        note($"{string.Join(", ", resources)} back");
    }

    /// <summary>SIGSTOP, so that a lease may lapse meanwhile, and SIGCONT.</summary>
    private async Task FreezeAsync(string resource)
    {
        var time = FreezeMax * random.NextDouble();
        note($"freeze {resource} for {time.TotalSeconds:F1} s");
        var pid = await cluster.ProcessIdAsync(resource);
        await SignalAsync("STOP", pid);
        try
        {
            await Task.Delay(time, TimeProvider.System);
        }
        finally
        {
            await SignalAsync("CONT", pid);
        }
    }

    private async Task ProxyAsync()
    {
        var proxy = proxies[random.Next(proxies.Length)];
        proxy.Fault = (ProxyFault)random.Next(1, 5);
        note($"proxy {Array.IndexOf(proxies, proxy) + 1}: {proxy.Fault}");
        await Task.Delay(TimeSpan.FromSeconds(random.Next(1, 6)), TimeProvider.System);
        // What was dropped is gone: only new connections are good again.
        proxy.Fault = ProxyFault.Cut;
        proxy.Fault = ProxyFault.None;
    }

    /// <summary>Cuts every connection to a process, whoever has it: nodes and managers among themselves, and Redis. Only root may, and where the kernel lets it.</summary>
    private async Task CutAsync()
    {
        var resource = random.Next(3) switch { 0 => "manager", 1 => "redis", _ => AnyNode() };
        var port = cluster.App.GetEndpoint(resource, resource == "redis" ? "tcp" : "http").Port;
        note($"cut the connections to {resource}");
        if (!File.Exists(SocketStatistics))
            return;
        using var cut = Process.Start(new ProcessStartInfo(SocketStatistics, ["-K", "-t", "dport", "=", $":{port}"]) { RedirectStandardOutput = true })!;
        Cuts += (await cut.StandardOutput.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length - 1;
        await cut.WaitForExitAsync();
    }

    private Task DamageAsync()
    {
        var packs = Directory.GetFiles(Path.Combine(cluster.DataDirectory, $"node-{Victim}", "packs"), "*.pack");
        if (packs.Length == 0)
            return Task.CompletedTask;
        IsVictimDamaged = true;
        var pack = packs[random.Next(packs.Length)];
        note($"flip bits in {Path.GetFileName(pack)} of node-{Victim}");
        try
        {
            FlipBits(pack);
        }
        catch (FileNotFoundException)
        {
            // It was compacted a moment ago.
        }
        return Task.CompletedTask;
    }

    private void FlipBits(string pack)
    {
        using var file = File.OpenHandle(pack, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        var one = new byte[1];
        for (var i = 0; i < 8; i++)
        {
            var at = random.NextInt64(RandomAccess.GetLength(file));
            if (RandomAccess.Read(file, one, at) == 0)
                continue;
            one[0] ^= (byte)(1 << random.Next(8));
            RandomAccess.Write(file, one, at);
        }
    }

    private string AnyNode() => $"node-{random.Next(1, cluster.Nodes + 1)}";

    private static async Task SignalAsync(string signal, int pid)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{pid}"]);
        await kill.WaitForExitAsync();
    }
}
