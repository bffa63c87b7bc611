using System.Diagnostics;
using Backup.Tests.Redis;
using StackExchange.Redis;

namespace Backup.Tests.EmbeddedRedis;

/// <summary>The server on a disk that somebody else has filled to the last byte, a file system of its own (root mounts it).</summary>
public sealed class FullDiskTests
{
    /// <summary>Longer than the server takes to look at the disk and to begin anew, on a machine that is busy with others too.</summary>
    private static readonly TimeSpan PatienceMax = TimeSpan.FromMinutes(2);

    /// <summary>More than fits beside the filler, whatever the server has set aside.</summary>
    private const int WritesMax = 20_000;

    private static readonly string Value = new('x', 16_000);

    [SkippableFact]
    public async Task On_a_full_disk_nothing_is_answered_and_when_there_is_space_all_that_was_answered_is_there()
    {
        SmallDisk.SkipUnlessRoot();
        var disk = "";
        EmbeddedRedisServer? server = null;
        try
        {
            server = await EmbeddedRedisServer.StartNewAsync(prepare: async directory =>
            {
                await SmallDisk.MountAsync(directory);
                disk = directory;
            });
            var options = ConfigurationOptions.Parse(server.ConnectionString);
            options.AsyncTimeout = 3_000; // What is not answered by then is taken for refused.
            await using var redis = await ConnectionMultiplexer.ConnectAsync(options);
            var filler = Path.Combine(disk, "filler");
            Assert.True(await TrySetAsync(redis, "before"));
            SmallDisk.Fill(filler);
            List<string> answered = ["before"];
            while (await TrySetAsync(redis, $"k{answered.Count}"))
            {
                answered.Add($"k{answered.Count}");
                Assert.InRange(answered.Count, 0, WritesMax);
            }
            // It takes nothing, however often it is asked, and does not end.
            Assert.False(await TrySetAsync(redis, "refused"));
            var process = server.ProcessId;

            File.Delete(filler);
            for (var started = Stopwatch.StartNew(); !await TrySetAsync(redis, "after");)
                Assert.True(started.Elapsed < PatienceMax, "It does not begin anew.");
            using (var running = Process.GetProcessById(process))
                Assert.False(running.HasExited, "It is another process.");
            var values = await redis.GetDatabase().StringGetAsync([.. answered.Append("after").Select(key => (RedisKey)key)]);
            Assert.All(values, value => Assert.Equal(Value, value));
        }
        finally
        {
            if (server is not null)
                await server.KillAsync();
            if (disk.Length > 0)
                await SmallDisk.UnmountAsync(disk);
            if (server is not null)
                await server.DisposeAsync();
        }
    }

    private static async Task<bool> TrySetAsync(ConnectionMultiplexer redis, string key)
    {
        try
        {
            return await redis.GetDatabase().StringSetAsync(key, Value);
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            return false;
        }
    }
}
