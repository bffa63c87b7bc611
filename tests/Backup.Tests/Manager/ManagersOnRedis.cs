using System.Globalization;
using Backup.FaultTests.Disks;
using Backup.Manager;
using Backup.Manager.Redis;
using Backup.Protocol;
using Backup.ServiceDefaults;
using Backup.Tests.Redis;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using StackExchange.Redis;

namespace Backup.Tests.Manager;

/// <summary>One server for all tests of its kind, started by the first that needs it.</summary>
public abstract class RedisFixture : IAsyncLifetime
{
    /// <summary>A call has three seconds, and a disk to which other suites write gigabytes may take longer. Redis is killed here, never the machine.</summary>
    private readonly TestDirectory directory = new();
    private RedisServer? server;

    public async Task<RedisServer> ServerAsync() => server ??= await StartAsync(Directory.CreateDirectory(Path.Combine(directory.Path, "redis")).FullName);

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        if (server is not null)
            await server.DisposeAsync();
        directory.Dispose();
    }

    /// <param name="dataDirectory">Deleted by the server.</param>
    protected abstract Task<RedisServer> StartAsync(string dataDirectory);
}

public sealed class GarnetFixture : RedisFixture
{
    protected override async Task<RedisServer> StartAsync(string dataDirectory) => await EmbeddedRedisServer.StartNewAsync(dataDirectory: dataDirectory);
}

public sealed class DebianFixture : RedisFixture
{
    protected override async Task<RedisServer> StartAsync(string dataDirectory) => await DebianRedisServer.StartNewAsync(dataDirectory: dataDirectory);
}

[CollectionDefinition(Name)]
public sealed class OnGarnet : ICollectionFixture<GarnetFixture>
{
    public const string Name = "Manager on Garnet";
}

[CollectionDefinition(Name)]
public sealed class OnDebian : ICollectionFixture<DebianFixture>
{
    public const string Name = "Manager on Redis";
}

/// <summary>Time that stands still until a test moves it.</summary>
public sealed class SetTime : TimeProvider
{
    private long nowMs = 1_800_000_000_000;

    public long NowMs => nowMs;

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeMilliseconds(nowMs);

    public void Advance(TimeSpan by) => nowMs += (long)by.TotalMilliseconds;
}

/// <summary>Two managers on one emptied Redis, and what tests say to them.</summary>
public sealed class ManagersOnRedis : IAsyncDisposable
{
    public static readonly long Gigabyte = 1L << 30;

    private readonly List<ServiceProvider> providers = [];
    private readonly Dictionary<NodeId, (Guid Incarnation, long Epoch, string? Zone)> registered = [];
    private int operations;

    private ManagersOnRedis(ConnectionMultiplexer redis) => Redis = redis;

    public ConnectionMultiplexer Redis { get; }

    public IDatabase Database => Redis.GetDatabase();

    public SetTime Time { get; } = new();

    public ClientId Client { get; } = ClientId.New();

    public IManager First => Get<IManager>(0);

    public IManager Second => Get<IManager>(1);

    public static async Task<ManagersOnRedis> StartAsync(RedisFixture fixture, params (string Key, string Value)[] settings)
    {
        var server = await fixture.ServerAsync();
        var cluster = new ManagersOnRedis(await ConnectionMultiplexer.ConnectAsync(server.ConnectionString));
        // Not FLUSHALL: the second one hangs Garnet 2.2.8 when it has a storage tier (its flush reads back beyond the file's end).
        foreach (var keys in cluster.Redis.GetServers()[0].Keys(pageSize: 10_000).Chunk(1000))
            await cluster.Database.KeyDeleteAsync(keys);
        cluster.AddManager(server.ConnectionString, settings);
        cluster.AddManager(server.ConnectionString, settings);
        return cluster;
    }

    public T Get<T>(int manager = 0) where T : notnull => providers[manager].GetRequiredService<T>();

    public void AddManager(string connectionString, params (string Key, string Value)[] settings)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton<TimeProvider>(Time);
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Key, (string?)s.Value))).Build());
        services.AddOptions<SecurityOptions>().BindConfiguration(SecurityOptions.Section);
        // The nodes that tests serve have the clock on the wall.
        services.AddSingleton(Access.TestAccess.Grants(Grant.Manager, TimeProvider.System));
        services.AddManager(connectionString);
        providers.Add(services.BuildServiceProvider());
    }

    public static NodeId Node(string id) => NodeId.Parse(id);

    public static RootedPath Path(string path) => RootedPath.Parse(path);

    public string NewOperation() => $"op-{Interlocked.Increment(ref operations)}";

    public async Task<RegisterReply> RegisterAsync(string id, long? freeBytes = null, string? zone = null, Guid? incarnation = null)
    {
        var node = Node(id);
        var own = incarnation ?? (registered.TryGetValue(node, out var before) ? before.Incarnation : Guid.NewGuid());
        var free = freeBytes ?? 100 * Gigabyte;
        var reply = await First.RegisterAsync(
            new RegisterRequest(node, Address(id), own, zone, new NodeSpace(free, 1000 * Gigabyte, 0)), default);
        registered[node] = (own, reply.Epoch, zone);
        return reply;
    }

    public async Task RegisterManyAsync(params string[] ids)
    {
        foreach (var id in ids)
            await RegisterAsync(id);
    }

    public Task<HeartbeatReply> HeartbeatAsync(string id, long? freeBytes = null, long damaged = 0) => Second.HeartbeatAsync(
        new HeartbeatRequest(Node(id), registered[Node(id)].Incarnation, registered[Node(id)].Epoch,
            new NodeSpace(freeBytes ?? 100 * Gigabyte, 1000 * Gigabyte, 0), Damaged: damaged), default);

    public static Uri Address(string id) => new($"http://{id}.example:7101/");

    public Task<PlaceReply> PlaceAsync(string operation, string[] paths, string[]? avoid = null, VersionKind kind = VersionKind.File) =>
        First.PlaceAsync(Client, new PlaceRequest(operation,
            [.. paths.Select(path => new PlaceFile(Path(path), kind, 1000))], avoid?.Select(Node).ToArray()), default);

    public Task<CommitReply> CommitAsync(PlaceReply placed, params string[] paths) => CommitAsync(Second, Client, placed, paths);

    public static Task<CommitReply> CommitAsync(
        IManager manager, ClientId client, PlaceReply placed, string[] paths, VersionKind kind = VersionKind.File) =>
        manager.CommitAsync(client, new CommitRequest(placed.Operation,
            [.. paths.Zip(placed.Files, (path, file) => FileOf(path, file, placed, kind))]), default);

    public static CommitFile FileOf(string path, PlacedFile file, PlaceReply placed, VersionKind kind = VersionKind.File) => new(
        Path(path), file.Version, kind, 1000, ChunkId.Of(BitConverter.GetBytes(file.Version)), -5, 0x1A4,
        [.. placed.Placements[file.Placement].Nodes.Select(node => node.Id)], "0123456789abcdef0123456789abcdef");

    /// <summary>Places and commits one new version of each path.</summary>
    public async Task<CommitReply> StoreAsync(params string[] paths) => await CommitAsync(await PlaceAsync(NewOperation(), paths), paths);

    public async Task DeleteAsync(params string[] paths)
    {
        var placed = await PlaceAsync(NewOperation(), paths, kind: VersionKind.Tombstone);
        await CommitAsync(First, Client, placed, paths, VersionKind.Tombstone);
    }

    public static string[] NodesOf(PlaceReply placed, int file = 0) =>
        [.. placed.Placements[placed.Files[file].Placement].Nodes.Select(node => node.Id.Value)];

    public async Task<Dictionary<string, long>> LoadsAsync() =>
        (await Database.SortedSetRangeByRankWithScoresAsync(Keys.Loads)).ToDictionary(entry => (string)entry.Element!, entry => (long)entry.Score);

    /// <summary>Invariant I4: the loads are what counting everything again gives, and candidates are in step with them.</summary>
    public async Task AssertLoadsExactAsync()
    {
        var server = Redis.GetServers()[0];
        var files = new List<FileVersion[]>();
        await foreach (var key in server.KeysAsync(pattern: "f:*", pageSize: 1000))
            files.Add(FileLines.All(Path("any"), (byte[])(await Database.StringGetAsync(key))!));
        await AssertBytesExactAsync(server);
        var entries = new List<string>();
        foreach (var member in await Database.SortedSetRangeByRankAsync(Keys.Reservations))
            entries.AddRange((await Database.HashValuesAsync(Keys.Reservation(member!))).Select(value => (string)value!));
        var expected = Recount.Loads(files, entries);
        var loads = await LoadsAsync();
        Assert.Equal(expected.OrderBy(pair => pair.Key).Select(pair => $"{pair.Key}={pair.Value}"),
            loads.Where(pair => pair.Value != 0).OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Key}={pair.Value}"));
        Assert.Equal(entries.Count, (long)await Database.StringGetAsync(Keys.Reserved));
        foreach (var candidate in await Database.SortedSetRangeByRankWithScoresAsync(Keys.Candidates))
            Assert.Equal(loads[candidate.Element!], (long)Math.Floor(candidate.Score));
    }

    /// <summary>What each client has stored is what counting again gives: all versions, and those that were dropped and not forgotten yet.</summary>
    private async Task AssertBytesExactAsync(IServer server)
    {
        var expected = new Dictionary<string, long>();
        await foreach (var key in server.KeysAsync(pattern: "f:*", pageSize: 1000))
            Count(((string)key!).Split(':')[1], (await Database.StringGetAsync(key))!);
        await foreach (var key in server.KeysAsync(pattern: "dropped:*", pageSize: 1000))
        {
            foreach (var field in await Database.HashGetAllAsync(key))
            {
                if (!Backup.Manager.Collection.Drops.IsSnapshot(field.Name!))
                    Count(((string)key!).Split(':')[1], field.Value);
            }
        }
        var counted = new Dictionary<string, long>();
        await foreach (var key in server.KeysAsync(pattern: "seq:*", pageSize: 1000))
            counted.Add(((string)key!)[4..], (long?)await Database.HashGetAsync(key, "bytes") ?? 0);
        Assert.Equal(expected.Where(pair => pair.Value != 0).OrderBy(pair => pair.Key), counted.Where(pair => pair.Value != 0).OrderBy(pair => pair.Key));

        void Count(string client, RedisValue lines) =>
            expected[client] = expected.GetValueOrDefault(client) + FileLines.All(Path("any"), (byte[])lines!).Sum(version => version.SizeBytes);
    }

    public static async Task<Failure> FailsAsync(FailureCode code, Func<Task> call)
    {
        var failure = (await Assert.ThrowsAsync<FailureException>(call)).Failure;
        Assert.Equal(code, failure.Code);
        return failure;
    }

    public static string Name(int number) => number.ToString("D6", CultureInfo.InvariantCulture);

    public async ValueTask DisposeAsync()
    {
        foreach (var provider in providers)
            await provider.DisposeAsync();
        await Redis.DisposeAsync();
    }
}
