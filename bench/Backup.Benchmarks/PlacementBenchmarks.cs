using Backup.Manager;
using Backup.Manager.Redis;
using Backup.Protocol;
using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Backup.Benchmarks;

/// <summary>
/// Files placed and committed on real servers, among 4 and 1,000 registered nodes, one and a thousand to a call, beside what a
/// script that does nothing costs. Each operation is one call of place and one of commit.
/// </summary>
public class PlacementBenchmarks
{
    private const long Gigabyte = 1L << 30;

    private readonly ClientId client = ClientId.New();
    private BenchRedis redis = null!;
    private ServiceProvider manager = null!;
    private int operations;

    [ParamsSource(nameof(Servers))]
    public string Server { get; set; } = "";

    [Params(4, 1_000)]
    public int Nodes { get; set; }

    [Params(1, 1_000)]
    public int FilesPerCall { get; set; }

    public static IEnumerable<string> Servers => BenchRedis.Kinds;

    [GlobalSetup]
    public async Task SetupAsync()
    {
        redis = await BenchRedis.StartAsync(Server);
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton<TimeProvider>(new StoppedTime());
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().Build());
        services.AddManager(redis.ConnectionString);
        manager = services.BuildServiceProvider();
        for (var i = 0; i < Nodes; i++)
        {
            await manager.GetRequiredService<IManager>().RegisterAsync(new RegisterRequest(NodeId.Parse($"n{i}"), new Uri($"http://n{i}.example"), Guid.NewGuid(), null,
                new NodeSpace(1000 * Gigabyte, 1000 * Gigabyte, 0)), default);
        }
    }

    [GlobalCleanup]
    public async Task CleanupAsync()
    {
        await manager.DisposeAsync();
        redis.Dispose();
    }

    /// <summary>New names each time: a file that is stored already keeps its place.</summary>
    [Benchmark]
    public async Task<int> PlaceAndCommit()
    {
        var catalogue = manager.GetRequiredService<IManager>();
        var operation = $"op-{++operations}";
        var paths = Enumerable.Range(0, FilesPerCall).Select(i => RootedPath.Parse($"{operation}/{i}")).ToArray();
        var placed = await catalogue.PlaceAsync(client, new PlaceRequest(operation, [.. paths.Select(path => new PlaceFile(path, VersionKind.File, 1000))]), default);
        var reply = await catalogue.CommitAsync(client, new CommitRequest(operation, [.. paths.Zip(placed.Files, (path, file) => new CommitFile(
            path, file.Version, VersionKind.File, 1000, ChunkId.Of(BitConverter.GetBytes(file.Version)), 0, 0,
            [.. placed.Placements[file.Placement].Nodes.Select(node => node.Id)]))]), default);
        return reply.Receipts.Length;
    }

    /// <summary>What one round trip with the smallest of our scripts costs.</summary>
    [Benchmark(Baseline = true)]
    public async Task<long> BareScript() => (await manager.GetRequiredService<Metadata>().RunAsync(
        new ScriptCall(Script.LeaseDuty).Key(Keys.Duty("bench")).Arg(0).Arg(long.MaxValue / 2).Arg("bench"), default)).Number;

    /// <summary>Simulated nodes do not renew their leases: in a time that stands still they need not.</summary>
    private sealed class StoppedTime : TimeProvider
    {
        private readonly DateTimeOffset now = DateTimeOffset.FromUnixTimeMilliseconds(1_800_000_000_000);

        public override DateTimeOffset GetUtcNow() => now;
    }
}
