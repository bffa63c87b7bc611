using System.Diagnostics;
using Backup.Protocol;

namespace Backup.Benchmarks;

/// <summary>What placing, committing, listing and looking up cost with a thousand files stored, and with so many.</summary>
internal static class Growth
{
    private const int Few = 1_000;
    private const int Nodes = 4;
    private const int Rounds = 30;

    public static async Task<int> RunAsync(int many)
    {
        foreach (var server in BenchRedis.Kinds)
        {
            await using var cluster = await BenchCluster.StartAsync(server, Nodes);
            await FillAsync(cluster, 0, Few);
            // Once before it counts: everything has been compiled then.
            await MeasureAsync(cluster);
            var few = await MeasureAsync(cluster);
            await FillAsync(cluster, Few, many);
            var after = await MeasureAsync(cluster);
            foreach (var (what, ms) in after)
                Console.WriteLine($"{server,-13} {what,-36} {few[what],8:F2} ms with {Few:N0} files, {ms,8:F2} ms with {many:N0}: x {ms / few[what]:F2}");
        }
        return 0;
    }

    private static async Task FillAsync(BenchCluster cluster, int from, int to)
    {
        for (var i = from; i < to; i += Limits.FilesPerCallMax)
            await cluster.PlaceAndCommitAsync(Math.Min(Limits.FilesPerCallMax, to - i));
    }

    /// <summary>The medians.</summary>
    private static async Task<Dictionary<string, double>> MeasureAsync(BenchCluster cluster)
    {
        var path = RootedPath.Parse("op-1/500");
        return new Dictionary<string, double>
        {
            ["place and commit one file"] = await MedianAsync(() => cluster.PlaceAndCommitAsync(1)),
            ["place and commit 1,000 files"] = await MedianAsync(() => cluster.PlaceAndCommitAsync(Limits.FilesPerCallMax)),
            ["list a page of 1,000"] = await MedianAsync(() => cluster.Manager.ListAsync(cluster.Client, new ListRequest("", null, 1000), default)),
            ["list a page as of a moment"] = await MedianAsync(() => cluster.Manager.ListAsync(cluster.Client, new ListRequest("", null, 1000, long.MaxValue / 2), default)),
            ["look a file's versions up"] = await MedianAsync(() => cluster.Manager.VersionsAsync(cluster.Client, new VersionsRequest(path), default)),
        };
    }

    private static async Task<double> MedianAsync(Func<Task> once)
    {
        var times = new List<double>();
        for (var i = 0; i < Rounds; i++)
        {
            var started = Stopwatch.GetTimestamp();
            await once();
            times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }
        return times.Order().ElementAt(Rounds / 2);
    }
}
