using Backup.Manager;
using Backup.Manager.Redis;
using Backup.Protocol;
using StackExchange.Redis;

namespace Backup.Tests.Manager;

/// <summary>Two managers on a Redis, and three nodes with real stores that remember what real nodes remember.</summary>
internal sealed class Rig : IAsyncDisposable
{
    private readonly Dictionary<NodeId, long> epochs = [];
    private long generation;

    private Rig(ManagersOnRedis cluster, InventoryNode[] nodes) => (Cluster, Nodes) = (cluster, nodes);

    public ManagersOnRedis Cluster { get; }

    public InventoryNode[] Nodes { get; }

    /// <summary>All that was stored.</summary>
    public List<Manifest> Manifests { get; } = [];

    public static async Task<Rig> StartAsync(RedisFixture fixture)
    {
        var rig = new Rig(await ManagersOnRedis.StartAsync(fixture),
            [await InventoryNode.StartAsync("n1"), await InventoryNode.StartAsync("n2"), await InventoryNode.StartAsync("n3")]);
        await rig.RegisterAsync();
        return rig;
    }

    public DutyLease Lease(int manager, string duty) => new(Cluster.Get<Metadata>(manager), Cluster.Time, duty, onLostMetadata: true);

    /// <summary>The first nodes register with what they remember.</summary>
    public async Task RegisterAsync(int nodes = 3, bool mayLack = false)
    {
        foreach (var node in Nodes[..nodes])
        {
            var reply = await Cluster.First.RegisterAsync(new RegisterRequest(node.Id, node.Address, node.Incarnation, null,
                new NodeSpace(100L << 30, 1000L << 30, 0), epochs.GetValueOrDefault(node.Id), generation, Manifests.Count > 0, mayLack), default);
            (epochs[node.Id], generation) = (reply.Epoch, Math.Max(generation, reply.Generation));
        }
    }

    public void ForgetEpochs() => epochs.Clear();

    /// <summary>All nodes renew their leases.</summary>
    public async Task<List<HeartbeatReply>> HeartbeatAsync(long heard, int nodes = 3)
    {
        var replies = new List<HeartbeatReply>();
        foreach (var node in Nodes[..nodes])
            replies.Add(await Cluster.Second.HeartbeatAsync(new HeartbeatRequest(node.Id, node.Incarnation, epochs[node.Id], new NodeSpace(100L << 30, 1000L << 30, 0), heard), default));
        return replies;
    }

    public Task<CommitReply> StoreAsync(params string[] paths) => StoreAsync(VersionKind.File, paths);

    /// <summary>Places files, stores their manifests on their nodes, and commits them.</summary>
    public async Task<CommitReply> StoreAsync(VersionKind kind, params string[] paths)
    {
        var placed = await Cluster.PlaceAsync(Cluster.NewOperation(), paths, kind: kind);
        var manifests = paths.Zip(placed.Files, (path, file) =>
        {
            var commit = FileOf(path, file, placed, kind);
            return new Manifest(new ManifestHead
            {
                Path = commit.Path,
                Version = commit.Version,
                Kind = kind,
                TimeMs = file.TimeMs,
                SizeBytes = commit.SizeBytes,
                Digest = commit.Digest,
                MtimeNs = commit.MtimeNs,
                Mode = commit.Mode,
                Nodes = commit.Nodes,
                Epoch = placed.Placements[file.Placement].Epoch,
                TraceId = commit.TraceId,
            }, [new ChunkRef(commit.Digest, (int)commit.SizeBytes)]);
        }).ToList();
        foreach (var node in Nodes)
            await node.StoreAsync(Cluster.Client, manifests.Where(manifest => manifest.Head.Nodes.Contains(node.Id)));
        Manifests.AddRange(manifests);
        return await Cluster.Second.CommitAsync(Cluster.Client, new CommitRequest(placed.Operation, [.. paths.Zip(placed.Files, (path, file) =>
            FileOf(path, file, placed, kind))]), default);
    }

    /// <summary>A file of one chunk; one whose name says so is large enough for its content to be placed beside itself.</summary>
    private static CommitFile FileOf(string path, PlacedFile file, PlaceReply placed, VersionKind kind)
    {
        var commit = ManagersOnRedis.FileOf(path, file, placed, kind);
        return commit with { FirstChunk = commit.Digest, SizeBytes = path.StartsWith("large", StringComparison.Ordinal) ? Limits.HintBytesMin : commit.SizeBytes };
    }

    public async Task WipeAsync()
    {
        foreach (var keys in Cluster.Redis.GetServers()[0].Keys(pageSize: 10_000).Chunk(1000))
            await Cluster.Database.KeyDeleteAsync(keys);
    }

    /// <summary>Time passes until the nodes that live have been waited for, then both managers take turns until writes go on.</summary>
    public async Task RebuildAsync(int nodes = 3)
    {
        await WaitForNodesAsync(nodes);
        await StepAsync();
        Assert.False((await Cluster.Get<Rebuilder>().ReadAsync(default)).IsLost);
    }

    public async Task WaitForNodesAsync(int nodes = 3)
    {
        Assert.Equal(Backup.ServiceDefaults.WorkerStep.Idle, await Cluster.Get<RebuildWorker>().StepAsync(default));
        Cluster.Time.Advance(TimeSpan.FromSeconds(5));
        await HeartbeatAsync(0, nodes);
        Cluster.Time.Advance(TimeSpan.FromSeconds(5));
        await HeartbeatAsync(0, nodes);
    }

    public async Task StepAsync()
    {
        while (await Cluster.Get<RebuildWorker>().StepAsync(default) == Backup.ServiceDefaults.WorkerStep.Busy)
            await Cluster.Get<RebuildWorker>(1).StepAsync(default);
    }

    public async Task<string[]> ListAsync() =>
        [.. (await Cluster.First.ListAsync(Cluster.Client, new ListRequest("", null, 1000), default)).Files.Select(file => file.Path.Value)];

    /// <summary>Every key and all it holds, but for what names a life of the metadata: epochs, numbers, leases, duties.</summary>
    public async Task<string[]> DumpAsync()
    {
        string[] lives = [Keys.Nodes, Keys.Leases, Keys.Candidates, Keys.Epoch, Keys.Generation, Keys.Rebuild, Keys.Inventoried];
        var lines = new List<string>();
        foreach (var key in Cluster.Redis.GetServers()[0].Keys(pageSize: 10_000).Select(key => (string)key!).Except(lives))
        {
            if (key.StartsWith("duty:", StringComparison.Ordinal) || key.StartsWith("leaves:", StringComparison.Ordinal))
                continue;
            lines.AddRange((await ReadAsync(key)).Select(value => $"{Name(key)} {value}"));
        }
        return [.. lines.Order(StringComparer.Ordinal)];

        // Where leaves are split depends on the order in which names came; what lies in them together does not.
        static string Name(string key) => key.StartsWith("names:", StringComparison.Ordinal) ? key[..key.LastIndexOf(':')] : key;
    }

    private async Task<IEnumerable<string>> ReadAsync(string key) => await Cluster.Database.KeyTypeAsync(key) switch
    {
        RedisType.String when await Cluster.Database.StringGetAsync(key) is var value && value == "0" => [],
        RedisType.String => [(string)(await Cluster.Database.StringGetAsync(key))!],
        RedisType.Set => (await Cluster.Database.SetMembersAsync(key)).Select(value => (string)value!),
        RedisType.SortedSet => (await Cluster.Database.SortedSetRangeByRankWithScoresAsync(key)).Select(entry => $"{entry.Element} {entry.Score}"),
        RedisType.Hash => (await Cluster.Database.HashGetAllAsync(key)).Where(entry => !key.StartsWith("seq:", StringComparison.Ordinal) || entry.Name == "timeMs" || entry.Name == "bytes")
            .Select(entry => $"{entry.Name} {entry.Value}"),
        var other => throw new InvalidOperationException($"The key '{key}' is a {other}."),
    };

    public async ValueTask DisposeAsync()
    {
        foreach (var node in Nodes)
            await node.DisposeAsync();
        await Cluster.DisposeAsync();
    }
}
