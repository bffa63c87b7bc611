using System.Diagnostics;
using System.Threading.RateLimiting;
using Backup.Protocol;
using StackExchange.Redis;

namespace Backup.Manager.Redis;

/// <summary>
/// The one place that talks to Redis: it runs scripts and reads values. Each call is bounded in time, all of them together
/// in number, and what goes wrong becomes a <see cref="Failure"/> that names Redis.
/// </summary>
public sealed class Metadata : IAsyncDisposable
{
    /// <summary>A script of 1,000 files takes about 20 ms; a Redis that is silent for this long is down or cut off.</summary>
    private static readonly TimeSpan CallTimeMax = TimeSpan.FromSeconds(3);

    /// <summary>Calls under way at once. Redis runs one at a time: more would only wait there instead of here.</summary>
    public const int CallsMax = 64;

    /// <summary>Calls that wait for their turn: what Redis does in a second or two. Beyond it the caller is told to come back.</summary>
    public const int CallsWaitingMax = 4_096;

    private readonly IConnectionMultiplexer redis;
    private readonly ConcurrencyLimiter turns = new(new ConcurrencyLimiterOptions
    {
        PermitLimit = CallsMax,
        QueueLimit = CallsWaitingMax,
        QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
    });

    /// <summary>When a call last failed, as <see cref="Stopwatch"/> counts; 0 for never.</summary>
    private long lastFailed;

    private Metadata(IConnectionMultiplexer redis) => this.redis = redis;

    /// <summary>Whether Redis was out of reach a moment ago: what had to be renewed in it may not have been.</summary>
    public bool HasFailedWithin(TimeSpan time) => Volatile.Read(ref lastFailed) is var at and not 0 && Stopwatch.GetElapsedTime(at) < time;

    /// <summary>Connects in the background: a Redis that is not there yet is no reason not to start.</summary>
    /// <param name="connectionString">As StackExchange.Redis takes it: "host:port,option=value".</param>
    public static Metadata Connect(string connectionString)
    {
        var options = ConfigurationOptions.Parse(connectionString);
        options.AbortOnConnectFail = false;
        options.ConnectTimeout = (int)CallTimeMax.TotalMilliseconds;
        options.AsyncTimeout = (int)CallTimeMax.TotalMilliseconds;
        options.SyncTimeout = (int)CallTimeMax.TotalMilliseconds;
        options.ReconnectRetryPolicy = new LinearRetry(200);
        options.HeartbeatInterval = TimeSpan.FromMilliseconds(500);
        options.ClientName = "manager";
        // Where the connection string says ssl=true.
        options.CertificateValidation += Trust.IsTrusted;
        return new Metadata(ConnectionMultiplexer.Connect(options));
    }

    public async Task<ScriptReply> RunAsync(ScriptCall call, CancellationToken ct) =>
        new(await BoundedAsync(call.Script.Verb, call.Count, database => database.ScriptEvaluateAsync(call.Script.Text, call.Keys, call.Args), ct));

    /// <summary>The values of these keys, null where there is none.</summary>
    public async Task<byte[]?[]> ReadManyAsync(IReadOnlyCollection<string> keys, CancellationToken ct)
    {
        if (keys.Count == 0)
            return [];
        var values = await BoundedAsync("read", keys.Count, database => database.StringGetAsync([.. keys.Select(key => (RedisKey)key)]), ct);
        return [.. values.Select(value => (byte[]?)value)];
    }

    /// <summary>The entries of a list from an index on.</summary>
    public async Task<byte[][]> ReadListAsync(string key, int from, CancellationToken ct)
    {
        var values = await BoundedAsync("list", 1, database => database.ListRangeAsync(key, from), ct);
        return [.. values.Select(value => (byte[])value!)];
    }

    /// <summary>The members of a set.</summary>
    public async Task<string[]> ReadSetAsync(string key, CancellationToken ct)
    {
        var values = await BoundedAsync("set", 1, database => database.SetMembersAsync(key), ct);
        return [.. values.Select(value => (string)value!)];
    }

    /// <summary>Some fields of a hash, null where there is none.</summary>
    public async Task<string?[]> ReadHashAsync(string key, IEnumerable<string> fields, CancellationToken ct)
    {
        RedisValue[] names = [.. fields.Select(field => (RedisValue)field)];
        if (names.Length == 0)
            return [];
        var values = await BoundedAsync("hash", names.Length, database => database.HashGetAsync(key, names), ct);
        return [.. values.Select(value => (string?)value)];
    }

    /// <summary>All of a hash.</summary>
    public async Task<(string Name, string Value)[]> ReadPairsAsync(string key, CancellationToken ct) =>
        [.. (await BoundedAsync("pairs", 1, database => database.HashGetAllAsync(key), ct)).Select(entry => ((string)entry.Name!, (string)entry.Value!))];

    /// <summary>The names of a hash's fields.</summary>
    public async Task<string[]> ReadFieldsAsync(string key, CancellationToken ct) =>
        [.. (await BoundedAsync("fields", 1, database => database.HashKeysAsync(key), ct)).Select(value => (string)value!)];

    /// <summary>The members of a sorted set up to a score.</summary>
    public async Task<string[]> ReadUpToAsync(string key, long score, int most, CancellationToken ct)
    {
        var values = await BoundedAsync("due", 1, database => database.SortedSetRangeByScoreAsync(key, stop: score, take: most), ct);
        return [.. values.Select(value => (string)value!)];
    }

    /// <summary>Calls that wait for their turn now.</summary>
    public long Waiting => turns.GetStatistics()?.CurrentQueuedCount ?? 0;

    public async ValueTask DisposeAsync()
    {
        await redis.DisposeAsync();
        await turns.DisposeAsync();
    }

    private async Task<T> BoundedAsync<T>(string verb, int count, Func<IDatabase, Task<T>> call, CancellationToken ct)
    {
        using var span = Telemetry.Source.StartActivity($"redis {verb}", ActivityKind.Client);
        span?.SetTag("db.system.name", "redis").SetTag("db.operation.name", verb).SetTag("db.operation.batch.size", count);
        var started = Stopwatch.GetTimestamp();
        string? error = null;
        try
        {
            return await TakeTurnAsync(span, call, ct);
        }
        catch (Exception e)
        {
            error = e is FailureException failed ? failed.Failure.Code.ToString() : e.GetType().Name;
            throw;
        }
        finally
        {
            Measures.RedisAnswered(verb, Stopwatch.GetElapsedTime(started), error);
        }
    }

    private async Task<T> TakeTurnAsync<T>(Activity? span, Func<IDatabase, Task<T>> call, CancellationToken ct)
    {
        using var turn = await TurnAsync(span, ct);
        try
        {
            // A call once sent cannot be taken back: whoever gives up early leaves it running, and its turn taken, for at most its time.
            return await call(redis.GetDatabase());
        }
        catch (Exception e) when (e is RedisTimeoutException or TimeoutException)
        {
            throw Failed(span, FailureCode.MetadataUnavailable, $"Redis did not answer within {CallTimeMax.TotalSeconds:N0} s", e);
        }
        catch (RedisConnectionException e)
        {
            throw Failed(span, FailureCode.MetadataUnavailable, $"Redis cannot be reached ({e.FailureType})", e);
        }
        catch (RedisServerException e) when (IsRefusal(e.Message))
        {
            throw Failed(span, FailureCode.MetadataUnavailable, $"Redis refuses: {e.Message.TrimEnd('.')}", e);
        }
    }

    /// <summary>Waits for a turn no longer than a call may take: behind a silent Redis the queue would move once in that time.</summary>
    private async Task<RateLimitLease> TurnAsync(Activity? span, CancellationToken ct)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(CallTimeMax);
        try
        {
            var turn = await turns.AcquireAsync(1, patience.Token);
            return turn.IsAcquired ? turn : throw Failed(span, FailureCode.Busy, $"More than {CallsWaitingMax:N0} requests wait for Redis already", null);
        }
        catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
        {
            throw Failed(span, FailureCode.Busy, $"Redis was busy with other requests for {CallTimeMax.TotalSeconds:N0} s", e);
        }
    }

    /// <summary>Redis is there but loads its data, is full, read-only, cannot write its log, or lets nobody in. Everything else it complains of is a bug of ours.</summary>
    private static bool IsRefusal(string message) =>
        new[] { "LOADING", "OOM", "READONLY", "MISCONF", "MASTERDOWN", "NOREPLICAS", "BUSY ", "NOPERM", "NOAUTH", "WRONGPASS" }
            .Any(start => message.Contains(start, StringComparison.Ordinal));

    private FailureException Failed(Activity? span, FailureCode code, string message, Exception? inner)
    {
        Volatile.Write(ref lastFailed, Stopwatch.GetTimestamp());
        span?.SetStatus(ActivityStatusCode.Error, message);
        return new Failure(code, message + ".", "redis", "Try again; what was acknowledged is not lost.").Exception(inner);
    }
}
