using System.Collections.Concurrent;
using Backup.FaultTests.Disks;
using Backup.FaultTests.Planted;
using Backup.Manager;
using Backup.Protocol;

namespace Backup.FaultTests.Simulation;

/// <summary>A whole cluster in this process: real managers, nodes and clients, on simulated disks, links and time.</summary>
internal sealed class World : IAsyncDisposable
{
    /// <summary>A node renews its lease every two seconds.</summary>
    private static readonly TimeSpan HeartbeatTime = TimeSpan.FromSeconds(2);

    private readonly TestDirectory root = new();
    private readonly SemaphoreSlim passing = new(1, 1);
    private readonly ConcurrentQueue<string> violations = new();
    private readonly Lane lane;

    private World(int seed, Lane lane, int nodes, PlantedBug? bug)
    {
        (Seed, this.lane, Bug) = (seed, lane, bug);
        Clock.Pass = PassForTimerAsync;
        Network = new SimNetwork(seed) { Serves = Find };
        Manager = new SimManagerProcess(lane, Clock, Network, violations.Enqueue, Note);
        Nodes = [.. Enumerable.Range(1, nodes).Select(number => bug?.Node?.Invoke(number, root.Path, seed, this) ?? NewNode(number))];
        Clients = [ClientId.Parse(Hex(seed, 1)), ClientId.Parse(Hex(seed, 2))];
    }

    public int Seed { get; }

    public PlantedBug? Bug { get; }

    /// <summary>
    /// Whether moments are named in this run, and retention drops what they do not show. Only these seeds draw that, and from a random
    /// source of its own: what seeds below did before there was retention, above all those that are kept, they still do.
    /// </summary>
    public bool Retains => Seed is >= FirstRetaining and < FirstRetaining + 900_000;

    public const int FirstRetaining = 100_000;

    /// <summary>Whether Redis was emptied: what was dropped and is on nodes that were away may be listed again.</summary>
    public bool IsEmptied { get; set; }

    public string Root => root.Path;

    public SimClock Clock { get; } = new();

    public SimNetwork Network { get; }

    public SimManagerProcess Manager { get; private set; }

    public SimNode[] Nodes { get; }

    public ClientId[] Clients { get; }

    public Ledger Ledger { get; } = new();

    public Lane Lane => lane;

    public ConcurrentQueue<string> Violations => violations;

    /// <summary>What was done, for whoever looks at a failing seed.</summary>
    public List<string> History { get; } = [];

    /// <summary>The node whose bytes were damaged, or that lost its directory: the other copies must do.</summary>
    public SimNode? Victim { get; set; }

    /// <summary>Whether bytes of it are wrong now. An empty directory is not: repair fills it.</summary>
    public bool IsVictimDamaged { get; private set; }

    private int indexesOlder;

    public void Damage()
    {
        if (!IsVictimDamaged)
            indexesOlder = Victim!.Disk.IndexesOlder;
        IsVictimDamaged = true;
    }

    /// <summary>It has an empty directory, which repair fills.</summary>
    public void Wiped() => IsVictimDamaged = false;

    public bool IsWhole(SimNode node) => node != Victim || !IsVictimDamaged;

    public static async Task<World> StartAsync(int seed, Lane lane, int nodes, PlantedBug? bug)
    {
        await lane.ClearAsync();
        var world = new World(seed, lane, nodes, bug);
        foreach (var node in world.Nodes)
        {
            await node.StartAsync();
            await node.HeartbeatAsync();
        }
        return world;
    }

    public SimNode NewNode(int number) => new(number, root.Path, Seed, Clock, Network, violations, Bug?.Disk);

    /// <summary>A client's connection through all nodes, from a place of its own in the network.</summary>
    public ClusterConnection Connect(ClientId client) =>
        new([.. Nodes.Select(node => node.Address)], client, new NodeClients(Network.Of($"client-{Array.IndexOf(Clients, client) + 1}", () => true)), Clock);

    public async Task ReplaceManagerAsync()
    {
        var before = Manager;
        Manager = new SimManagerProcess(lane, Clock, Network, violations.Enqueue, Note);
        await before.DisposeAsync();
    }

    /// <summary>Lets time pass, with everybody's heartbeats in it. While it passes already, whoever waits too only moves the clock.</summary>
    public async Task PassAsync(TimeSpan time)
    {
        if (!await passing.WaitAsync(0))
        {
            Clock.Advance(time);
            return;
        }
        try
        {
            // Over hours only their end matters: leases lapse and are taken again.
            if (time > TimeSpan.FromMinutes(1))
            {
                Clock.Advance(time - TimeSpan.FromMinutes(1));
                time = TimeSpan.FromSeconds(8);
            }
            for (var left = time; left > TimeSpan.Zero; left -= HeartbeatTime)
            {
                Clock.Advance(left < HeartbeatTime ? left : HeartbeatTime);
                if (left < HeartbeatTime)
                    break;
                foreach (var node in Nodes)
                    await node.HeartbeatAsync();
            }
        }
        finally
        {
            passing.Release();
        }
    }

    /// <summary>Whoever waits for the timer must go on, whatever happens while time passes: that is a finding, not a hang.</summary>
    private async Task PassForTimerAsync(TimeSpan time)
    {
        try
        {
            await PassAsync(time);
        }
        catch (Exception e)
        {
            violations.Enqueue($"I12: while time passed: {e.GetType().Name}: {e.Message} {e.StackTrace}");
        }
    }

    /// <summary>Ends all faults and brings everybody back, then waits until nothing is under way.</summary>
    public async Task HealAsync()
    {
        await Network.DeliverLateAsync();
        Network.Cut.Clear();
        Network.FaultsPerHundred = 0;
        foreach (var node in Nodes)
        {
            node.Disk.Heal();
            if (node.IsAlive)
                continue;
            await node.StopAsync();
            await node.StartAsync();
        }
        await PassAsync(TimeSpan.FromSeconds(10));
        await Network.DeliverLateAsync();
        // What was placed and never committed is given back.
        await PassAsync(TimeSpan.FromMinutes(16));
        foreach (var node in Nodes)
            await Manager.Get<Registry>().DrainAsync(node.Id, false, default);
        await ScrubAsync();
        // Repair and comparison go in turns, and a pass that left something is made again after a minute.
        for (var i = 0; i < 4; i++)
        {
            await PassAsync(TimeSpan.FromMinutes(2));
            await Manager.WorkAsync();
        }
    }

    /// <summary>Whatever was flipped is found and replaced from the other copies.</summary>
    private async Task ScrubAsync()
    {
        if (!IsVictimDamaged)
            return;
        await PassAsync(SimNode.ScrubTime);
        await PassAsync(TimeSpan.FromSeconds(10));
        await Victim!.ScrubAsync();
        // A manifest that rotted, while the index went back to before it, looks as a write does that a crash cut short: at each crash of a
        // busy node there are some, so it is not looked for. Where the index is lost altogether the node has all its versions compared.
        IsVictimDamaged = Victim!.Disk.IndexesOlder > indexesOlder;
    }

    public void Note(string what)
    {
        lock (History)
            History.Add($"{Clock.NowMs % 100_000_000} {what}");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in Nodes)
            await node.StopAsync();
        await Manager.DisposeAsync();
        root.Dispose();
    }

    private ISimServer? Find(string host) => host == "manager" ? Manager : Array.Find(Nodes, node => node.Id.Value == host) is { IsUp: true } node ? node : null;

    private static string Hex(int seed, int client) => $"{seed:x8}{client:x24}";
}
