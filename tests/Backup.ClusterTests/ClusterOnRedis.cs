using System.Net.Sockets;
using System.Text;
using Backup.Protocol;
using Backup.Tests.Redis;

namespace Backup.ClusterTests;

/// <summary>A cluster whose Redis tests take away: the embedded one, or a real redis-server beside the cluster.</summary>
public sealed class ClusterOnRedis : IAsyncDisposable
{
    private const string Embedded = "redis";
    private readonly DebianRedisServer? external;

    private ClusterOnRedis(RunningCluster cluster, DebianRedisServer? external) => (Cluster, this.external) = (cluster, external);

    public RunningCluster Cluster { get; }

    public string RedisDirectory => external?.DataDirectory ?? Path.Combine(Cluster.DataDirectory, "redis");

    private int RedisPort => external?.Port ?? Cluster.App.GetEndpoint(Embedded, "tcp").Port;

    public static async Task<ClusterOnRedis> StartAsync(bool isExternal, params string[] more)
    {
        if (!isExternal)
            return new ClusterOnRedis(await RunningCluster.StartAsync(null, 4, more), null);
        var redis = await DebianRedisServer.StartNewAsync();
        try
        {
            return new ClusterOnRedis(await RunningCluster.StartAsync(
                null, 4, ["--Cluster:Redis=external", $"--ConnectionStrings:redis={redis.Address}", .. more]), redis);
        }
        catch
        {
            await redis.DisposeAsync();
            throw;
        }
    }

    public Task KillRedisAsync() => external?.KillAsync() ?? Cluster.KillAsync(Embedded);

    public Task StartRedisAsync() => external?.RestartAsync() ?? Cluster.StartAgainAsync(Embedded);

    public async Task FlushAsync()
    {
        using var connection = new TcpClient();
        await connection.ConnectAsync("127.0.0.1", RedisPort);
        var password = external is null ? File.ReadAllText(Path.Combine(Cluster.DataDirectory, "redis.password")).Trim() : RedisServer.Password;
        await connection.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"*2\r\n$4\r\nAUTH\r\n${password.Length}\r\n{password}\r\n*1\r\n$8\r\nFLUSHALL\r\n"));
        const string Done = "+OK\r\n+OK\r\n";
        var answer = new byte[Done.Length];
        await connection.GetStream().ReadExactlyAsync(answer);
        Assert.Equal(Done, Encoding.ASCII.GetString(answer));
    }

    /// <summary>Waits until a rebuild that began after this moment has ended.</summary>
    /// <param name="sinceMs">When the last one began.</param>
    public async Task<RebuildStatus> RebuiltAsync(long sinceMs)
    {
        var connection = Cluster.Connect(ClientId.New());
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        while (true)
        {
            try
            {
                var status = await connection.AskAsync(node => node.RebuildStatusAsync(patience.Token), patience.Token);
                if (status is { Running: false } && status.StartedMs > sinceMs)
                    return status;
            }
            catch (FailureException e) when (e.Failure.IsTransient)
            {
                // Redis is not back yet.
            }
            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, patience.Token);
        }
    }

    public static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var folder in Directory.GetDirectories(from, "*", SearchOption.AllDirectories))
            Directory.CreateDirectory(Path.Combine(to, Path.GetRelativePath(from, folder)));
        foreach (var file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
            File.Copy(file, Path.Combine(to, Path.GetRelativePath(from, file)), overwrite: true);
    }

    public async ValueTask DisposeAsync()
    {
        await Cluster.DisposeAsync();
        if (external is not null)
            await external.DisposeAsync();
    }
}
