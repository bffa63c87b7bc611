using System.Diagnostics;
using Backup.Manager.Redis;
using Backup.Protocol;
using Backup.Tests.Redis;
using static Backup.Tests.Manager.ManagersOnRedis;

namespace Backup.Tests.Manager;

/// <summary>Redis is killed, restarted, stopped and resumed under the managers.</summary>
public abstract class RedisFaultTests(RedisFixture fixture)
{
    private const int Writers = 8;
    private const int Kills = 3;

    /// <summary>The bound of one call (3 s), once for the call and once for a connection that breaks under it, and a busy machine.</summary>
    private static readonly TimeSpan AnswerTimeMax = TimeSpan.FromSeconds(10);

    /// <summary>The same for thousands of calls at once, which a busy machine needs time to begin and to end.</summary>
    private static readonly TimeSpan ManyAnswersTimeMax = TimeSpan.FromSeconds(60);

    [SkippableFact]
    public async Task No_acknowledged_commit_is_lost_when_redis_is_killed_under_load()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        var server = await fixture.ServerAsync();
        await cluster.RegisterManyAsync("n1", "n2", "n3");
        var acknowledged = new System.Collections.Concurrent.ConcurrentDictionary<(string Path, long Version), ChunkId>();
        using var stop = new CancellationTokenSource();
        var writers = Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            for (var round = 0; !stop.IsCancellationRequested; round++)
            {
                var operation = $"w{writer}-{round}";
                string[] paths = [.. Enumerable.Range(0, 20).Select(i => $"{writer}/{(round * 7 + i) % 100}")];
                var placed = await UntilDoneAsync(() => cluster.PlaceAsync(operation, paths));
                var receipts = await UntilDoneAsync(() => cluster.CommitAsync(placed, paths));
                foreach (var receipt in receipts.Receipts)
                    acknowledged[(receipt.Path.Value, receipt.Version)] = receipt.Digest;
            }
        })).ToArray();
        for (var kill = 0; kill < Kills; kill++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(300 + 170 * kill), TimeProvider.System);
            await server.RestartAsync();
        }
        await Task.Delay(TimeSpan.FromMilliseconds(300), TimeProvider.System);
        await stop.CancelAsync();
        await Task.WhenAll(writers);

        Assert.True(acknowledged.Count > 100, $"Only {acknowledged.Count} commits were made.");
        foreach (var path in acknowledged.Keys.Select(key => key.Path).Distinct())
        {
            var versions = (await cluster.First.VersionsAsync(cluster.Client, new VersionsRequest(Path(path)), default)).Versions;
            Assert.Equal(versions.Select(version => version.Version).Order(), versions.Select(version => version.Version));
            var digests = versions.ToDictionary(version => version.Version, version => version.Digest);
            foreach (var ((_, version), digest) in acknowledged.Where(entry => entry.Key.Path == path))
                Assert.Equal(digest, digests.GetValueOrDefault(version));
        }
        // Neither was anything done by halves.
        await cluster.AssertLoadsExactAsync();
        var listed = await cluster.First.ListAsync(cluster.Client, new ListRequest("", null, 1000), default);
        Assert.Equal(acknowledged.Keys.Select(key => key.Path).Distinct().Count(), listed.Files.Length);
    }

    [SkippableFact]
    public async Task A_redis_that_is_gone_is_named_in_time_and_found_again()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        var server = await fixture.ServerAsync();
        await cluster.RegisterManyAsync("n1", "n2");
        await server.KillAsync();
        try
        {
            await UnavailableInTimeAsync(cluster);
        }
        finally
        {
            await server.RestartAsync();
        }
        await UntilDoneAsync(() => cluster.PlaceAsync("a", ["x"]));
    }

    [SkippableFact]
    public async Task A_redis_that_hangs_is_named_in_time_and_found_again()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        var server = await fixture.ServerAsync();
        await cluster.RegisterManyAsync("n1", "n2");
        Signal(server, "STOP");
        try
        {
            await UnavailableInTimeAsync(cluster);
        }
        finally
        {
            Signal(server, "CONT");
        }
        var placed = await UntilDoneAsync(() => cluster.PlaceAsync("a", ["x"]));
        await UntilDoneAsync(() => cluster.CommitAsync(placed, "x"));
        await cluster.AssertLoadsExactAsync();
    }

    [SkippableFact]
    public async Task No_more_wait_for_a_silent_redis_than_the_bound_and_none_for_long()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        var server = await fixture.ServerAsync();
        await using var metadata = Metadata.Connect(server.ConnectionString);
        await metadata.ReadManyAsync(["x"], default);
        Signal(server, "STOP");
        try
        {
            var started = Stopwatch.StartNew();
            var codes = await Task.WhenAll(Enumerable.Range(0, Metadata.CallsMax + Metadata.CallsWaitingMax + 10).Select(async _ =>
                (await Assert.ThrowsAsync<FailureException>(() => metadata.ReadManyAsync(["x"], default))).Failure.Code));
            Assert.True(started.Elapsed < ManyAnswersTimeMax, $"It took {started.Elapsed}.");
            Assert.All(codes, code => Assert.True(code is FailureCode.Busy or FailureCode.MetadataUnavailable));
            Assert.True(codes.Count(code => code == FailureCode.Busy) >= 10);
        }
        finally
        {
            Signal(server, "CONT");
        }
    }

    [SkippableFact]
    public async Task A_manager_starts_without_redis()
    {
        await fixture.ServerAsync();
        await using var nowhere = Metadata.Connect("127.0.0.1:9");
        var failure = await FailsAsync(FailureCode.MetadataUnavailable, () => nowhere.ReadManyAsync(["x"], default));
        Assert.Equal("redis", failure.Culprit);
        Assert.True(failure.IsTransient);
    }

    private static async Task UnavailableInTimeAsync(ManagersOnRedis cluster)
    {
        var started = Stopwatch.StartNew();
        var calls = Enumerable.Range(0, 20).Select(i => FailsAsync(FailureCode.MetadataUnavailable, () => cluster.PlaceAsync($"a{i}", ["x"])));
        var status = cluster.First.ClusterAsync(default);
        Assert.All(await Task.WhenAll(calls), failure => Assert.Equal("redis", failure.Culprit));
        Assert.False((await status).Healthy);
        Assert.Contains("Redis", Assert.Single((await status).Problems));
        Assert.True(started.Elapsed < AnswerTimeMax, $"It took {started.Elapsed}.");
    }

    /// <summary>As clients do: what fails for a while is repeated under the same operation.</summary>
    private static async Task<T> UntilDoneAsync<T>(Func<Task<T>> call)
    {
        var started = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                return await call();
            }
            catch (FailureException e) when (e.Failure.IsTransient && e.Failure.Code != FailureCode.ReservationGone && started.Elapsed < TimeSpan.FromSeconds(60))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
            }
        }
    }

    private static void Signal(RedisServer server, string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{server.ProcessId}"]);
        kill.WaitForExit();
        // A process that is told to stop may answer one more call before all its threads have.
        while (signal == "STOP" && !Directory.GetDirectories($"/proc/{server.ProcessId}/task").All(IsStopped))
            Thread.Sleep(1);
    }

    private static bool IsStopped(string task)
    {
        var stat = File.ReadAllText($"{task}/stat");
        return stat[stat.LastIndexOf(')') + 2] == 'T';
    }
}

[Collection(OnGarnet.Name)]
public sealed class RedisFaultsOnGarnet(GarnetFixture fixture) : RedisFaultTests(fixture);

[Collection(OnDebian.Name)]
public sealed class RedisFaultsOnDebian(DebianFixture fixture) : RedisFaultTests(fixture);
