using Backup.Protocol;
using Microsoft.Extensions.Caching.Memory;

namespace Backup.Storage.Membership;

/// <summary>
/// What tokens are good for, as the manager says, remembered for moments: a revocation reaches every node within
/// <see cref="FreshTime"/>. While no manager answers, what was good the last time stays good for a while, so that restores go on.
/// </summary>
public sealed class AskedTokens : ITokens, IDisposable
{
    /// <summary>How long an answer is taken as it is: a busy client asks hundreds of times in it, a revocation waits that long.</summary>
    public static readonly TimeSpan FreshTime = TimeSpan.FromSeconds(5);

    /// <summary>How long a good answer stands in for a manager that is away; a restart takes seconds, a person's help minutes.</summary>
    public static readonly TimeSpan StandInTime = TimeSpan.FromMinutes(10);

    /// <summary>Answers kept, of some 300 bytes each. Wrong tokens are kept as well, so that they cost the manager little.</summary>
    private const int AnswersMax = 10_000;

    private readonly ITokens manager;
    private readonly TimeProvider time;
    private readonly MemoryCache answers = new(new MemoryCacheOptions { SizeLimit = AnswersMax });

    public AskedTokens(ITokens manager, TimeProvider time) => (this.manager, this.time) = (manager, time);

    public async Task<TokenCheckReply> CheckAsync(TokenCheckRequest request, CancellationToken ct)
    {
        var known = answers.Get<Answer>(request);
        var now = time.GetUtcNow();
        if (known is not null && now - known.At < FreshTime && now >= known.At)
            return AsOf(known.Reply, now);
        try
        {
            var reply = await manager.CheckAsync(request, ct);
            answers.Set(request, new Answer(reply, now), new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = StandInTime });
            return reply;
        }
        catch (FailureException e) when (known is { Reply.Standing: TokenStanding.Valid } && now - known.At < StandInTime
            && e.Failure.Code is FailureCode.ManagerUnreachable or FailureCode.MetadataUnavailable or FailureCode.TimedOut or FailureCode.Busy)
        {
            return AsOf(known!.Reply, now);
        }
    }

    public void Dispose() => answers.Dispose();

    /// <summary>A token ends when it ends, whatever was remembered.</summary>
    private static TokenCheckReply AsOf(TokenCheckReply reply, DateTimeOffset now) =>
        reply.Standing == TokenStanding.Valid && reply.ExpiresMs <= now.ToUnixTimeMilliseconds() ? new TokenCheckReply(TokenStanding.Expired, Scope.None, reply.ExpiresMs) : reply;

    private sealed record Answer(TokenCheckReply Reply, DateTimeOffset At);
}
