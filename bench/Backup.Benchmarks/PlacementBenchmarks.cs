using Backup.Manager.Redis;
using BenchmarkDotNet.Attributes;

namespace Backup.Benchmarks;

/// <summary>
/// Files placed and committed on real servers, among 4 and 1,000 registered nodes, one and a thousand to a call, beside what a
/// script that does nothing costs. Each operation is one call of place and one of commit.
/// </summary>
public class PlacementBenchmarks
{
    private BenchCluster cluster = null!;

    [ParamsSource(nameof(Servers))]
    public string Server { get; set; } = "";

    [Params(4, 1_000)]
    public int Nodes { get; set; }

    [Params(1, 1_000)]
    public int FilesPerCall { get; set; }

    public static IEnumerable<string> Servers => BenchRedis.Kinds;

    [GlobalSetup]
    public async Task SetupAsync() => cluster = await BenchCluster.StartAsync(Server, Nodes);

    [GlobalCleanup]
    public async Task CleanupAsync() => await cluster.DisposeAsync();

    [Benchmark]
    public Task<int> PlaceAndCommit() => cluster.PlaceAndCommitAsync(FilesPerCall);

    /// <summary>What one round trip with the smallest of our scripts costs.</summary>
    [Benchmark(Baseline = true)]
    public async Task<long> BareScript() => (await cluster.Metadata.RunAsync(
        new ScriptCall(Script.LeaseDuty).Key(Keys.Duty("bench"), Keys.Rebuild).Arg(0).Arg(long.MaxValue / 2).Arg("bench").Arg("1"), default)).Number;
}
