using System.Security.Cryptography;
using Backup.Manager;
using Backup.Manager.Redis;
using Backup.Protocol;
using Backup.ServiceDefaults;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Backup.Benchmarks;

/// <summary>A manager on a real server, with registered nodes that nobody asks anything.</summary>
internal sealed class BenchCluster : IAsyncDisposable
{
    private const long Gigabyte = 1L << 30;

    private readonly BenchRedis redis;
    private readonly ServiceProvider manager;
    private int operations;

    private BenchCluster(BenchRedis redis)
    {
        this.redis = redis;
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton<TimeProvider>(new StoppedTime());
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().Build());
        services.AddOptions<SecurityOptions>();
        services.AddSingleton(new PeerGrants(ClusterKey.Parse(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32))), Grant.Manager, TimeProvider.System));
        services.AddManager(redis.ConnectionString);
        manager = services.BuildServiceProvider();
    }

    public ClientId Client { get; } = ClientId.New();

    public IManager Manager => manager.GetRequiredService<IManager>();

    public Metadata Metadata => manager.GetRequiredService<Metadata>();

    public static async Task<BenchCluster> StartAsync(string server, int nodes)
    {
        var cluster = new BenchCluster(await BenchRedis.StartAsync(server));
        for (var i = 0; i < nodes; i++)
        {
            await cluster.Manager.RegisterAsync(new RegisterRequest(NodeId.Parse($"n{i}"), new Uri($"http://n{i}.example"), Guid.NewGuid(), null,
                new NodeSpace(1000 * Gigabyte, 1000 * Gigabyte, 0)), default);
        }
        return cluster;
    }

    /// <summary>New names each time: a file that is stored already keeps its place.</summary>
    public async Task<int> PlaceAndCommitAsync(int files)
    {
        var operation = $"op-{++operations}";
        var paths = Enumerable.Range(0, files).Select(i => RootedPath.Parse($"{operation}/{i}")).ToArray();
        var placed = await Manager.PlaceAsync(Client, new PlaceRequest(operation, [.. paths.Select(path => new PlaceFile(path, VersionKind.File, 1000))]), default);
        var reply = await Manager.CommitAsync(Client, new CommitRequest(operation, [.. paths.Zip(placed.Files, (path, file) => new CommitFile(
            path, file.Version, VersionKind.File, 1000, ChunkId.Of(BitConverter.GetBytes(file.Version)), 0, 0,
            [.. placed.Placements[file.Placement].Nodes.Select(node => node.Id)]))]), default);
        return reply.Receipts.Length;
    }

    public async ValueTask DisposeAsync()
    {
        await manager.DisposeAsync();
        redis.Dispose();
    }

    /// <summary>Simulated nodes do not renew their leases: in a time that stands still they need not.</summary>
    private sealed class StoppedTime : TimeProvider
    {
        private readonly DateTimeOffset now = DateTimeOffset.FromUnixTimeMilliseconds(1_800_000_000_000);

        public override DateTimeOffset GetUtcNow() => now;
    }
}
