using System.Collections.Concurrent;
using System.Diagnostics;
using Backup.Tests.Redis;
using StackExchange.Redis;

namespace Backup.Tests.EmbeddedRedis;

/// <summary>
/// The promise the manager's commits rest on: what the server has answered is still there after SIGKILL, and a
/// script's writes are there all or not at all.
/// </summary>
public sealed class SurvivesKillTests
{
    private const int WritersCount = 6;

    /// <summary>Enough to be in the middle of things, on a machine that is busy with others too.</summary>
    private const int WritesPerRoundMin = 600;

    /// <summary>As GarnetSettings.AppendOnlyFileBytesMax.</summary>
    private const long CheckpointedAtBytes = 128L << 20;

    /// <summary>One answer for many records, so that the file fills before the server looks at its size.</summary>
    private const int RecordsPerScript = 20_000;

    /// <summary>
    /// Two keys that every run must leave equal, with as much as the caller wants written between them, and one
    /// write of its own.
    /// </summary>
    private const string Script =
        """
        local n = redis.call('INCR', KEYS[1])
        for i = 1, tonumber(ARGV[2]) do redis.call('SET', KEYS[1] .. ':' .. i, string.rep('x', 16384)) end
        redis.call('HSET', KEYS[2], 'n', n)
        redis.call('SET', KEYS[3], ARGV[1])
        return n
        """;

    [Fact]
    public async Task NoAcknowledgedWriteIsLost()
    {
        await using var server = await EmbeddedRedisServer.StartNewAsync();
        await KillUnderLoadRepeatedlyAsync(server, rounds: 3, writesBetween: 0, checkpointing: false);
    }

    [Fact]
    public async Task NoAcknowledgedWriteIsLostAcrossCheckpoints()
    {
        await using var server = await EmbeddedRedisServer.StartNewAsync();
        await KillUnderLoadRepeatedlyAsync(server, rounds: 3, writesBetween: 0, checkpointing: true);
    }

    /// <summary>Half a megabyte a script: pages fill and are written in its middle, and the file is cut by its size.</summary>
    [Fact]
    public async Task NoScriptIsTornWhenItWritesMuch()
    {
        await using var server = await EmbeddedRedisServer.StartNewAsync();
        await KillUnderLoadRepeatedlyAsync(server, rounds: 3, writesBetween: 32, checkpointing: false);
    }

    /// <summary>
    /// More records than a second replays, in a file long enough for a checkpoint: none may be taken before all are there.
    /// </summary>
    [Fact]
    public async Task NothingIsLostWhenTheStartTakesLong()
    {
        await using var server = await EmbeddedRedisServer.StartNewAsync();
        var scripts = await FillBeyondTheCheckpointAsync(server);
        await server.KillAsync();
        await server.RestartAsync();

        await using var redis = await ConnectionMultiplexer.ConnectAsync(server.ConnectionString);
        var last = await redis.GetDatabase().StringGetAsync(Enumerable.Range(0, scripts).Select(script => (RedisKey)$"many:{script}:{RecordsPerScript}").ToArray());
        Assert.All(last, value => Assert.True(value.HasValue));
        Assert.Equal((long)scripts * RecordsPerScript, (long)await redis.GetDatabase().ExecuteAsync("DBSIZE"));
    }

    /// <summary>Leaves a file that is due for a checkpoint, before the server has looked at it again.</summary>
    private static async Task<int> FillBeyondTheCheckpointAsync(RedisServer server)
    {
        await using var redis = await ConnectionMultiplexer.ConnectAsync(server.ConnectionString);
        var folder = new DirectoryInfo(Path.Combine(server.DataDirectory, "AOF"));
        for (var scripts = 0; ; scripts++)
        {
            if (folder.GetFiles("*", SearchOption.AllDirectories).Sum(file => file.Length) > CheckpointedAtBytes)
                return scripts;
            await redis.GetDatabase().ScriptEvaluateAsync(
                $"for i = 1, {RecordsPerScript} do redis.call('SET', KEYS[1] .. ':' .. i, string.rep('x', 100)) end", [$"many:{scripts}"]);
        }
    }

    [SkippableFact]
    public async Task RealRedisKeepsTheSamePromise()
    {
        await using var server = await DebianRedisServer.StartNewAsync();
        await KillUnderLoadRepeatedlyAsync(server, rounds: 2, writesBetween: 0, checkpointing: false);
    }

    private static async Task KillUnderLoadRepeatedlyAsync(RedisServer server, int rounds, int writesBetween, bool checkpointing)
    {
        var acknowledged = new ConcurrentDictionary<string, string>();
        for (var round = 0; round < rounds; round++)
        {
            using var stop = new CancellationTokenSource();
            var load = Enumerable.Range(0, WritersCount)
                .Select(writer => WriteUntilCutAsync(server, $"{round}:{writer}", writer, writesBetween, acknowledged, stop.Token));
            var writers = load.Append(checkpointing ? CheckpointUntilCutAsync(server, stop.Token) : Task.CompletedTask).ToArray();
            await WaitForLoadAsync(acknowledged, acknowledged.Count + WritesPerRoundMin);
            await server.KillAsync();
            await stop.CancelAsync();
            await Task.WhenAll(writers);
            await server.RestartAsync();
            await CheckAsync(server, acknowledged);
        }
    }

    private static async Task WaitForLoadAsync(ConcurrentDictionary<string, string> acknowledged, int writes)
    {
        var since = Stopwatch.StartNew();
        while (acknowledged.Count < writes)
        {
            Assert.True(since.Elapsed < TimeSpan.FromMinutes(3), $"Only {acknowledged.Count} writes in {since.Elapsed}.");
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System);
        }
    }

    /// <summary>One connection of its own: a plain SET and a script in turn, each noted once it is answered.</summary>
    private static async Task WriteUntilCutAsync(
        RedisServer server, string prefix, int writer, int writesBetween, ConcurrentDictionary<string, string> acknowledged, CancellationToken stop)
    {
        using var connection = await ConnectionMultiplexer.ConnectAsync(server.ConnectionString);
        var db = connection.GetDatabase();
        try
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                var (plain, scripted, value) = ($"plain:{prefix}:{i}", $"script:{prefix}:{i}", $"{prefix}-{i}");
                await db.StringSetAsync(plain, value);
                acknowledged[plain] = value;
                await db.ScriptEvaluateAsync(Script, [$"count:{writer}", $"twin:{writer}", scripted], [value, writesBetween]);
                acknowledged[scripted] = value;
            }
        }
        catch (Exception cut) when (cut is RedisException or TimeoutException)
        {
            // The server is gone, as the test wants; this write was not answered.
        }
    }

    private static async Task CheckpointUntilCutAsync(RedisServer server, CancellationToken stop)
    {
        using var connection = await ConnectionMultiplexer.ConnectAsync(server.ConnectionString);
        try
        {
            while (!stop.IsCancellationRequested)
                await connection.GetDatabase().ExecuteAsync("SAVE");
        }
        catch (Exception cut) when (cut is RedisException or TimeoutException)
        {
            // As above.
        }
    }

    private static async Task CheckAsync(RedisServer server, ConcurrentDictionary<string, string> acknowledged)
    {
        using var connection = await ConnectionMultiplexer.ConnectAsync(server.ConnectionString);
        var db = connection.GetDatabase();
        foreach (var batch in acknowledged.Chunk(1000))
        {
            var values = await db.StringGetAsync(batch.Select(pair => (RedisKey)pair.Key).ToArray());
            for (var i = 0; i < batch.Length; i++)
                Assert.True(values[i] == batch[i].Value, $"{batch[i].Key} was acknowledged as {batch[i].Value} and is '{values[i]}'.");
        }

        for (var writer = 0; writer < WritersCount; writer++)
            Assert.Equal(await db.StringGetAsync($"count:{writer}"), await db.HashGetAsync($"twin:{writer}", "n"));
    }
}
