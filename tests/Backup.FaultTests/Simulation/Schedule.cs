using Backup.FaultTests.Disks;
using Backup.Manager;
using Backup.Protocol;

namespace Backup.FaultTests.Simulation;

/// <summary>What happens in a run: operations and faults, a pure function of the seed.</summary>
internal sealed class Schedule(World world)
{
    private readonly Random random = new(SimNetwork.HashCode(world.Seed, "schedule"));
    private readonly Dictionary<ClientId, ClusterConnection> connections = world.Clients.ToDictionary(client => client, world.Connect);

    private readonly Retaining retaining = new(world);

    public int Operations => operations + retaining.Operations;

    private int operations;

    public int Faults { get; private set; }

    public async Task RunAsync()
    {
        var steps = random.Next(10, 22);
        for (var i = 0; i < steps; i++)
        {
            await StepAsync();
            if (world.Retains)
                await retaining.StepAsync(connections, UploadAsync);
            if (world.Bug?.AfterStep is { } after)
                await after(world);
        }
    }

    private Task StepAsync() => random.Next(100) switch
    {
        < 31 => UploadAsync(),
        < 34 => LoseDirectoryAsync(),
        < 42 => DeleteAsync(),
        < 50 => RestoreAsync(),
        < 58 => AtOnceAsync(),
        < 68 => CrashAsync(),
        < 76 => ReturnAsync(),
        < 82 => LinksAsync(),
        < 88 => DiskAsync(),
        < 91 => CollectAsync(),
        < 93 => DamageAsync(),
        < 94 => DrainAsync(),
        < 95 => ManagerAsync(),
        < 97 => LateAsync(),
        _ => PassAsync(),
    };

    private async Task UploadAsync()
    {
        var client = Pick(world.Clients);
        var changes = Enumerable.Range(0, random.Next(1, 4)).Select(_ => NewPath()).Distinct().Select(path => NewChange(client, path)).ToList();
        await SendAsync(client, changes);
    }

    private Task DeleteAsync()
    {
        var client = Pick(world.Clients);
        operations++;
        return SendAsync(client, [world.Ledger.Begin(client, NewPath(), VersionKind.Tombstone, 0, 0)]);
    }

    /// <summary>Two uploads, or an upload and a deletion, of one name at once, or of two clients.</summary>
    private Task AtOnceAsync()
    {
        var (first, second) = (Pick(world.Clients), Pick(world.Clients));
        var path = NewPath();
        var one = NewChange(first, path);
        operations++;
        var other = random.Next(3) == 0 ? world.Ledger.Begin(second, path, VersionKind.Tombstone, 0, 0) : NewChange(second, path);
        return Task.WhenAll(SendAsync(first, [one]), SendAsync(second, [other]));
    }

    private Change NewChange(ClientId client, RootedPath path)
    {
        operations++;
        // Half of it is content that was sent before, by this client or by another.
        var before = world.Ledger.Changes.Where(change => change.Kind == VersionKind.File).ToList();
        if (before.Count > 0 && random.Next(3) == 0 && Pick(before) is { } same)
            return world.Ledger.Begin(client, path, VersionKind.File, same.Seed, same.SizeBytes);
        var size = random.Next(20) switch
        {
            0 => 0,
            1 => random.Next(300 << 10, 900 << 10),
            < 8 => random.Next(2 << 10, 60 << 10),
            _ => random.Next(1, 2 << 10),
        };
        return world.Ledger.Begin(client, path, VersionKind.File, random.Next(1 << 20), size);
    }

    private async Task SendAsync(ClientId client, List<Change> changes)
    {
        var text = string.Join(", ", changes.Select(change => $"#{change.Id} {change.Path} {(change.Kind == VersionKind.Tombstone ? "gone" : $"{change.SizeBytes} B of {change.Seed}")}"));
        try
        {
            await foreach (var result in new Uploader(connections[client], new TransferCounters()).UploadAsync(changes.Select(change => change.Source()), default))
            {
                if (result.Receipt is { } receipt)
                {
                    CheckHeld(client, receipt);
                    world.Ledger.Acknowledge(changes.Single(change => change.Path == result.Path), receipt);
                }
            }
            world.Note($"send {text}: ok {string.Join(", ", changes.Select(change => $"{change.Receipt?.Version} on {string.Join('+', change.Receipt?.Nodes ?? [])}"))}");
        }
        catch (FailureException e)
        {
            world.Note($"send {text}: {e.Failure.Code} {e.Failure.Message}");
        }
    }

    /// <summary>I1, at the moment of the acknowledgement: every node that the receipt names has it.</summary>
    private void CheckHeld(ClientId client, Receipt receipt)
    {
        foreach (var node in world.Nodes.Where(node => receipt.Nodes.Contains(node.Id) && node.IsRegistered && world.IsWhole(node)))
        {
            if (node.Store.Index.FindManifest(client, receipt.Version) is null)
                world.Violations.Enqueue($"I1: version {receipt.Version} of {receipt.Path} was acknowledged and is not on {node.Id}");
        }
    }

    private async Task RestoreAsync()
    {
        operations++;
        var known = world.Ledger.Acknowledged.Where(change => change.Kind == VersionKind.File).ToList();
        if (known.Count == 0)
            return;
        var change = Pick(known);
        var target = new ComparingTarget(world.Ledger, world.Violations.Enqueue);
        try
        {
            var versions = await connections[change.Client].AskAsync(node => node.VersionsAsync(change.Client, new VersionsRequest(change.Path), default), default);
            if (Array.Find(versions.Versions, version => version.Version == change.Receipt!.Version) is not { } version)
            {
                // After a loss of the metadata, versions whose nodes are all away are known again when these are back.
                if (!world.IsEmptied && !world.Ledger.IsRetained(change.Client))
                    world.Violations.Enqueue($"I6: version {change.Receipt!.Version} of {change.Path} (#{change.Id}) was acknowledged and is not listed");
                return;
            }
            await new Restorer(connections[change.Client], new TransferCounters()) { FollowsMoves = world.Retains }.RestoreAsync([version], target, default);
            world.Note($"restore #{change.Id}: {(target.Failures.Count == 0 ? "ok" : target.Failures.Values.First().Message)}");
        }
        catch (FailureException e)
        {
            world.Note($"restore #{change.Id}: {e.Failure.Code}");
        }
    }

    private Task CrashAsync()
    {
        var up = world.Nodes.Where(node => node.IsAlive).ToList();
        if (up.Count == 0)
            return Task.CompletedTask;
        Faults++;
        var node = Pick(up);
        var mode = (CrashMode)random.Next(4);
        var fate = mode == CrashMode.Kept ? IndexFate.Kept : (IndexFate)random.Next(4);
        // At once, or in the middle of what comes.
        var calls = random.Next(3) == 0 ? 0 : random.Next(1, 14);
        world.Note($"crash {node.Id} after {calls} calls, {mode}, index {fate}");
        if (calls == 0)
            node.Disk.CrashNow(mode, fate);
        else
            node.Disk.CrashAfter(calls, mode, fate);
        return Task.CompletedTask;
    }

    /// <summary>Starts a node that has crashed, or ends one in order and starts it again.</summary>
    private async Task ReturnAsync()
    {
        var node = Array.Find(world.Nodes, each => !each.IsAlive) ?? Pick(world.Nodes);
        Faults++;
        world.Note($"start {node.Id} again");
        await node.StopAsync();
        try
        {
            await node.StartAsync();
            await node.HeartbeatAsync();
        }
        catch (FailureException e)
        {
            world.Note($"{node.Id} does not start: {e.Failure.Message}");
        }
    }

    private Task LinksAsync()
    {
        Faults++;
        string[] places = ["manager", "client-1", "client-2", .. world.Nodes.Select(node => node.Id.Value)];
        switch (random.Next(4))
        {
            case 0:
                world.Network.FaultsPerHundred = random.Next(3) * 12;
                world.Note($"links: {world.Network.FaultsPerHundred} % faults");
                break;
            case 1:
                world.Network.Cut.Clear();
                world.Note("links: none cut");
                break;
            default:
                var (from, to) = (Pick(places), Pick(places));
                world.Network.Cut[(from, to)] = true;
                world.Note($"links: {from} > {to} cut");
                break;
        }
        return Task.CompletedTask;
    }

    private Task DiskAsync()
    {
        Faults++;
        var node = Pick(world.Nodes);
        switch (random.Next(3))
        {
            case 0:
                node.Disk.IsFull = !node.Disk.IsFull;
                world.Note($"disk of {node.Id} full: {node.Disk.IsFull}");
                break;
            case 1:
                node.Disk.FailingSyncs = random.Next(1, 3);
                world.Note($"{node.Disk.FailingSyncs} syncs of {node.Id} fail");
                break;
            default:
                world.Victim ??= node;
                world.Damage();
                world.Victim.Disk.FailingReads = random.Next(1, 4);
                world.Note($"{world.Victim.Disk.FailingReads} reads of {world.Victim.Id} fail");
                break;
        }
        return Task.CompletedTask;
    }

    private async Task CollectAsync()
    {
        await world.PassAsync(SimNode.GraceTime * 2);
        foreach (var node in world.Nodes.Where(node => node.IsAlive))
        {
            operations++;
            try
            {
                await node.Collector.CollectAsync(default);
                world.Note($"collect on {node.Id}");
            }
            catch (FailureException e)
            {
                world.Note($"collect on {node.Id}: {e.Failure.Message}");
            }
        }
    }

    /// <summary>Flips bits in one node's packs, or takes its directory away. Only one node of a run: the other copies must do.</summary>
    private async Task DamageAsync()
    {
        Faults++;
        var node = world.Victim ??= Pick(world.Nodes);
        if (random.Next(3) == 0)
        {
            await WipeAsync(node);
            return;
        }
        world.Damage();
        var packs = Directory.GetFiles(Path.Combine(node.Folder, "packs"), "*.pack").Order().ToArray();
        if (packs.Length == 0)
            return;
        var pack = Pick(packs);
        var bytes = await File.ReadAllBytesAsync(pack);
        for (var i = 0; i < 4 && bytes.Length > 0; i++)
            bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
        using (var file = File.OpenHandle(pack, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            RandomAccess.Write(file, bytes, 0);
        world.Note($"bits flipped in {Path.GetFileName(pack)} of {node.Id}");
    }

    private async Task WipeAsync(SimNode node)
    {
        world.Note($"the directory of {node.Id} is wiped");
        await node.WipeAsync();
        world.Wiped();
        await world.PassAsync(TimeSpan.FromSeconds(8));
        await node.HeartbeatAsync();
    }

    /// <summary>An upload in the middle of which a node loses its directory.</summary>
    private async Task LoseDirectoryAsync()
    {
        Faults++;
        var node = world.Victim ??= Pick(world.Nodes);
        var wiping = Task.CompletedTask;
        world.Network.AfterCalls(random.Next(2, 9), () => wiping = WipeAsync(node));
        await UploadAsync();
        world.Network.AfterCalls(0, null);
        // It may have happened in a call that nobody waits for: a heartbeat while time passed.
        await wiping;
    }

    private async Task DrainAsync()
    {
        var (node, drain) = (Pick(world.Nodes), random.Next(2) == 0);
        world.Note($"{node.Id} draining: {drain}");
        try
        {
            await world.Manager.Get<Registry>().DrainAsync(node.Id, drain, default);
        }
        catch (FailureException e)
        {
            // A Redis that was emptied does not know a node that has been down since.
            world.Note(e.Failure.Message);
        }
        await world.Manager.WorkAsync();
    }

    private async Task ManagerAsync()
    {
        Faults++;
        // Redis takes a tenth of a second to come back, which is two seeds' time.
        if (random.Next(3) == 0)
        {
            world.IsEmptied = true;
            world.Note("Redis is emptied");
            await world.Lane.ClearAsync();
            // Until the nodes have registered anew and told what they hold, writes wait.
            await world.PassAsync(TimeSpan.FromSeconds(14));
            await world.Manager.WorkAsync();
        }
        else if (random.Next(10) == 0)
        {
            world.Note("Redis is killed and started");
            await world.Lane.RestartRedisAsync();
        }
        world.Note("another manager");
        await world.ReplaceManagerAsync();
    }

    private async Task LateAsync()
    {
        world.Note("what was held back arrives");
        await world.Network.DeliverLateAsync();
    }

    private async Task PassAsync()
    {
        var time = TimeSpan.FromSeconds(random.Next(1, 40) * (random.Next(4) == 0 ? 60 : 1));
        world.Note($"{time} pass");
        await world.PassAsync(time);
        await world.Manager.WorkAsync();
    }

    private RootedPath NewPath() => RootedPath.Parse($"d{random.Next(2)}/f{random.Next(5)}");

    private T Pick<T>(IReadOnlyList<T> from) => from[random.Next(from.Count)];
}
