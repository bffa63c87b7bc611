using Backup.FaultTests.Disks;
using Backup.Manager.Redis;
using Backup.Tests.Redis;
using StackExchange.Redis;

namespace Backup.FaultTests.Simulation;

/// <summary>A Redis server of its own for the seeds that run one after the other: redis-server where there is one, else the embedded one.</summary>
internal sealed class Lane : IAsyncDisposable
{
    private Lane(RedisServer server, Metadata metadata, ConnectionMultiplexer redis) => (Server, Metadata, Redis) = (server, metadata, redis);

    public RedisServer Server { get; }

    /// <summary>Shared by all managers of a lane: connecting takes longer than a seed.</summary>
    public Metadata Metadata { get; }

    public ConnectionMultiplexer Redis { get; }

    public IDatabase Database => Redis.GetDatabase();

    public static async Task<Lane> StartAsync()
    {
        // Deleted by the server. It is killed here, never the machine: seeds need not wait for a disk.
        var directory = new TestDirectory().Path;
        RedisServer server = File.Exists("/usr/bin/redis-server") ? await DebianRedisServer.StartNewAsync(dataDirectory: directory)
            : await EmbeddedRedisServer.StartNewAsync(dataDirectory: directory);
        return new Lane(server, Metadata.Connect(server.ConnectionString), await ConnectionMultiplexer.ConnectAsync(server.ConnectionString));
    }

    /// <summary>Not FLUSHALL, which the embedded server does not always survive.</summary>
    public async Task ClearAsync()
    {
        foreach (var keys in Redis.GetServers()[0].Keys(pageSize: 10_000).Chunk(1000))
            await Database.KeyDeleteAsync(keys);
    }

    /// <summary>Kills Redis and starts it again on what it left behind, and returns when both connections answer.</summary>
    public async Task RestartRedisAsync()
    {
        await Server.RestartAsync();
        for (var tries = 0; ; tries++)
        {
            try
            {
                await Database.PingAsync();
                await Metadata.ReadManyAsync(["any"], default);
                return;
            }
            catch (Exception e) when (tries < 600 && e is RedisException or TimeoutException or Protocol.FailureException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Metadata.DisposeAsync();
        await Redis.DisposeAsync();
        await Server.DisposeAsync();
    }
}
