using System.Collections.Concurrent;
using System.Reflection;
using Backup.FaultTests.Disks;
using Backup.Protocol;
using Backup.Storage;
using Backup.Storage.Collection;
using Backup.Storage.Copying;
using Backup.Storage.Membership;
using Backup.Storage.Packs;
using Backup.Storage.Primary;
using Backup.Storage.Reading;
using Backup.Storage.Scrub;
using Backup.Storage.Segments;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Backup.FaultTests.Simulation;

/// <summary>
/// One storage node: the real store, primary, replica, sender, collector and membership, behind what its routes do, which is
/// written here again because ASP.NET stays outside (Gateway/GatewayEndpoints.cs, Replica/ReplicaEndpoints.cs).
/// </summary>
internal class SimNode : ISimServer
{
    /// <summary>Small, so that a few files fill several packs.</summary>
    private const long PackBytesMax = 300 << 10;

    private readonly SimClock clock;
    private readonly SimNetwork network;
    private readonly ConcurrentQueue<string> violations;
    private readonly string directory;
    private Running? running;

    public SimNode(int number, string root, int seed, SimClock clock, SimNetwork network, ConcurrentQueue<string> violations, Func<string, Random, FaultyDisk>? disk)
    {
        (this.clock, this.network, this.violations) = (clock, network, violations);
        Id = NodeId.Parse($"node-{number}");
        directory = Path.Combine(root, Id.Value);
        Directory.CreateDirectory(directory);
        var random = new Random(SimNetwork.HashCode(seed, "disk", Id.Value));
        Disk = disk is null ? new FaultyDisk(directory, random) : disk(directory, random);
    }

    /// <summary>The node's parts for one life of its process.</summary>
    internal sealed record Running(PackStore Store, Peers Peers, SegmentReceiver Receiver, PrimaryStore Primary, VersionSender Sender, Collector Collector, CopyRound Copies, Inventory Inventory, NodeInventory All, ScrubWorker Scrub, MembershipWorker Membership);

    public NodeId Id { get; }

    public FaultyDisk Disk { get; }

    public string Folder => directory;

    public Uri Address => new($"http://{Id}:7000/");

    public bool IsUp => running is not null;

    public bool IsAlive => running is not null && !Disk.HasCrashed;

    public PackStore Store => (running ?? throw new InvalidOperationException("The node is down.")).Store;

    public Collector Collector => running!.Collector;

    /// <summary>Whether the manager knows this life of it.</summary>
    public bool IsRegistered => IsAlive && running!.Peers.Epoch > 0;

    /// <summary>Chunks stay this long after nothing refers to them; the schedule lets as much pass between uploads and collections.</summary>
    public static readonly TimeSpan GraceTime = TimeSpan.FromHours(1);

    /// <summary>Within this every pack is read.</summary>
    public static readonly TimeSpan ScrubTime = TimeSpan.FromDays(1);

    /// <summary>Reads everything it holds and repairs what is damaged, as it does by itself within <see cref="ScrubTime"/>.</summary>
    public async Task ScrubAsync()
    {
        // Looks through both clients, then reads a pack in two steps, and looks through again where there was damage.
        for (var step = 0; step < 20 + (8 * Store.Index.Packs().Length); step++)
            await running!.Scrub.StepAsync(default);
    }

    public async Task StartAsync()
    {
        if (Disk.HasCrashed)
            Disk.Recover();
        var options = new PackStoreOptions { Directory = directory, NodeId = Id, PackBytesMax = PackBytesMax, ReserveBytes = 0, Disk = Disk };
        var store = await PackStore.OpenAsync(options, NullLogger.Instance, clock, default);
        var way = network.Of(Id.Value, () => !Disk.HasCrashed);
        var manager = way.Reach<IManager>(new Uri("http://manager:7000/"), "manager", FailureCode.ManagerUnreachable);
        var peers = new Peers(Id, manager, clock, way);
        var receiver = new SegmentReceiver(store, peers);
        var copy = new VersionCopy(store, peers);
        var damaged = new DamagedVersions();
        running = new Running(store, peers, receiver, new PrimaryStore(store, peers, receiver, copy), new VersionSender(store, peers, damaged),
            new Collector(store, GraceTime, clock, NullLogger<Collector>.Instance), new CopyRound(store, peers, copy), new Inventory(store),
            new NodeInventory(store, damaged, new KeptMoments(store)), new ScrubWorker(store, new VersionRepair(store, peers, manager, NullLogger<VersionRepair>.Instance), ScrubTime, clock, NullLogger<ScrubWorker>.Instance),
            new MembershipWorker(manager, peers, store, Options.Create(new NodeOptions { Id = Id.Value, Address = Address }), clock, NullLogger<MembershipWorker>.Instance));
    }

    /// <summary>Ends the process, in order or after a crash.</summary>
    public async Task StopAsync()
    {
        if (running is not { } was)
            return;
        running = null;
        was.Scrub.Dispose();
        await was.Store.DisposeAsync();
        was.Collector.Dispose();
    }

    /// <summary>Ends the process and starts it on an empty directory.</summary>
    public async Task WipeAsync()
    {
        await StopAsync();
        if (!Disk.HasCrashed)
            Disk.CrashNow(CrashMode.Lost, IndexFate.Deleted);
        Disk.Recover();
        Disk.Heal();
        Directory.Delete(directory, recursive: true);
        Directory.CreateDirectory(directory);
        await StartAsync();
    }

    /// <summary>Registers or renews the lease.</summary>
    public async Task HeartbeatAsync()
    {
        if (running is not { } node || Disk.HasCrashed)
            return;
        try
        {
            await node.Membership.StepAsync(default);
        }
        catch (FailureException)
        {
            // The next one may get through.
        }
        catch (Exception) when (node != running || Disk.HasCrashed)
        {
            // Its process has ended meanwhile, as in ServeAsync.
        }
    }

    public async Task<T> ServeAsync<T>(MethodInfo method, object?[] args)
    {
        var node = running ?? throw Failure.Unreachable(Id, "it is down").Exception();
        try
        {
            var reply = (T)await ServeAsync(node, method, args);
            return node == running ? reply : throw Failure.Unreachable(Id, "it was started again meanwhile").Exception();
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            throw Failure.Unreachable(Id, e.Message).Exception();
        }
        catch (Exception e) when (e is not FailureException)
        {
            if (!Disk.HasCrashed && node == running)
                violations.Enqueue($"I12: {Id} threw {e.GetType().Name} in {method.Name}: {e.Message} {e.StackTrace}");
            throw new Failure(FailureCode.Internal, e.Message, Id.Value, "Look at the log.").Exception(e);
        }
    }

    private async Task<object> ServeAsync(Running node, MethodInfo method, object?[] args)
    {
        var epoch = node.Peers.Epoch;
        switch (method.Name)
        {
            case nameof(INode.MissingAsync):
                var asked = Nodes(args[1]);
                return asked[0] == Id ? node.Primary.Missing((ClientId)args[0]!, (MissingRequest)args[2]!)
                    : await (await node.Peers.NodeAsync(asked[0], default)).MissingAsync((ClientId)args[0]!, asked[0].Value, (MissingRequest)args[2]!, default);
            case nameof(INode.StoreAsync):
                var stored = await StoreAsync(node, (ClientId)args[0]!, Nodes(args[1]), (long)args[2]!, (Stream)args[3]!);
                return Nodes(args[1])[0] == Id ? Fenced(stored, (long)args[2]!, epoch) : stored;
            case nameof(INode.ReadAsync):
                return await ReadAsync(node, (ClientId)args[0]!, Nodes(args[1])[0], (ReadRequest)args[2]!);
            case nameof(IReplica.StoreReplicaAsync):
                return Fenced(await StoreReplicaAsync(node, (ClientId)args[0]!, Nodes(args[1]), (long)args[2]!, (Stream)args[3]!), (long)args[2]!, epoch);
            case nameof(ICollector.ForgetAsync):
                return new ForgetReply(await node.Store.ForgetAsync((ClientId)args[0]!, ((ForgetRequest)args[1]!).Versions, default, ((ForgetRequest)args[1]!).UpToEpoch));
            case nameof(ICollector.CollectAsync):
                return await node.Collector.CollectAsync(default);
            case nameof(IInventory.InventoryAsync):
                return await node.All.PageAsync((InventoryRequest)args[0]!, default);
            case nameof(IInventory.KeepAsync):
                new KeptMoments(node.Store).Keep((ClientMoments)args[0]!);
                return true;
            case nameof(IRecordSource.RecordsAsync):
                return await RecordsAsync(node, (ClientId)args[0]!, (RecordsRequest)args[1]!);
            case nameof(ICopier.CopyAsync):
                return await node.Copies.RunAsync((ClientId)args[0]!, (CopyRequest)args[1]!, default);
            case nameof(ICopier.HeldAsync):
                return await node.Inventory.PageAsync((HeldRequest)args[0]!, default);
            case nameof(ICopier.LackingAsync):
                return node.Inventory.Lacking((ClientId)args[0]!, (LackingRequest)args[1]!);
            default:
                // Everything else the manager answers.
                var reply = (Task)method.Invoke(ManagerOf(node), args)!;
                await reply;
                return reply.GetType().GetProperty("Result")!.GetValue(reply)!;
        }
    }

    /// <summary>A node refuses what was placed before it registered last.</summary>
    private StoreReply Fenced(StoreReply reply, long placed, long epoch)
    {
        if (placed < epoch)
            violations.Enqueue($"epoch: {Id} in epoch {epoch} stored what was placed in {placed}");
        return reply;
    }

    private object ManagerOf(Running node) => network.Of(Id.Value, () => IsAlive && node == running)
        .Reach<IManager>(new Uri("http://manager:7000/"), "manager", FailureCode.ManagerUnreachable);

    protected virtual async Task<StoreReply> StoreAsync(Running node, ClientId client, NodeId[] nodes, long epoch, Stream body)
    {
        if (nodes[0] == Id)
            return await node.Primary.StoreAsync(client, nodes, epoch, body, bodyBytes: null, default);
        return await (await node.Peers.NodeAsync(nodes[0], default)).StoreAsync(client, string.Join(',', nodes), epoch, new StreamContent(body), default);
    }

    protected virtual async Task<StoreReply> StoreReplicaAsync(Running node, ClientId client, NodeId[] nodes, long epoch, Stream body)
    {
        node.Peers.CheckEpoch(epoch);
        using var segment = await node.Receiver.ReceiveAsync(client, nodes, body, _ => ValueTask.CompletedTask, default);
        await segment.CommitAsync(default);
        return new StoreReply([Id], segment.Appended, segment.Bytes);
    }

    protected virtual ClientId WhoAsks(ClientId client, ReadRequest request) => client;

    private async Task<Stream> ReadAsync(Running node, ClientId client, NodeId from, ReadRequest request)
    {
        var sent = new MemoryStream();
        if (from != Id)
        {
            await using var passed = await (await node.Peers.NodeAsync(from, default)).ReadAsync(client, from.Value, request, default);
            await passed.CopyToAsync(sent);
            sent.Position = 0;
            return sent;
        }
        try
        {
            await node.Sender.SendAsync(WhoAsks(client, request), request, (record, _) =>
            {
                if (!record.DigestMatches())
                    violations.Enqueue($"I8: {Id} served {record.Header.Kind} {record.Header.Id} with bytes that are not it");
                if (record.Header.Client != client)
                    violations.Enqueue($"I7: {Id} served a record of client {record.Header.Client} to {client}");
                sent.Write(record.Bytes.Span);
                return ValueTask.CompletedTask;
            }, default);
        }
        catch (FailureException e) when (sent.Length > 0)
        {
            using var last = Record.Of(e.Failure, client);
            sent.Write(last.Bytes.Span);
        }
        sent.Position = 0;
        return sent;
    }

    /// <summary>As Scrub/ScrubEndpoints.cs.</summary>
    private static async Task<Stream> RecordsAsync(Running node, ClientId client, RecordsRequest request)
    {
        var sent = new MemoryStream();
        if (request.Manifest)
            await SendAsync(() => node.Store.ReadManifestAsync(client, request.Version, default));
        foreach (var list in request.Lists)
            await SendAsync(() => node.Store.ReadAsync(client, RecordKind.List, list, default));
        foreach (var chunk in request.Chunks)
            await SendAsync(() => node.Store.ReadAsync(client, RecordKind.Chunk, chunk, default));
        sent.Position = 0;
        return sent;

        async Task SendAsync(Func<ValueTask<Record?>> read)
        {
            try
            {
                using var record = await read();
                if (record is not null)
                    sent.Write(record.Bytes.Span);
            }
            catch (FailureException e) when (e.Failure.Code is FailureCode.Corrupt or FailureCode.DiskFailed)
            {
            }
        }
    }

    private static NodeId[] Nodes(object? header) => [.. ((string)header!).Split(',').Select(name => NodeId.Parse(name))];
}
