using System.Threading.RateLimiting;

namespace Backup.Protocol;

/// <summary>Bounds the bytes sent in a second, over everything that shares it: a token bucket that holds a tenth of a second's worth.</summary>
public sealed class SendLimit : IDisposable
{
    /// <summary>A node gives up a sender that is slower than 1 KiB/s; three segments share the limit, and each must stay well above that.</summary>
    public const long BytesPerSecondMin = 16 << 10;

    /// <summary>Where a limit is no limit: the largest bucket is counted in an int, ten times a second.</summary>
    public const long BytesPerSecondMax = 10L * int.MaxValue;

    /// <summary>Acquired at a time: small, so that several senders take turns, and a call for each costs little.</summary>
    private const int PieceBytesMax = 64 << 10;

    private const int PeriodsPerSecond = 10;

    private readonly TokenBucketRateLimiter bucket;
    private readonly int pieceBytes;

    /// <param name="bytesPerSecond">Between the two bounds.</param>
    public SendLimit(long bytesPerSecond)
    {
        BytesPerSecond = Math.Clamp(bytesPerSecond, BytesPerSecondMin, BytesPerSecondMax);
        var perPeriod = (int)(BytesPerSecond / PeriodsPerSecond);
        pieceBytes = Math.Min(perPeriod, PieceBytesMax);
        bucket = new TokenBucketRateLimiter(new TokenBucketRateLimiterOptions
        {
            TokenLimit = perPeriod,
            TokensPerPeriod = perPeriod,
            ReplenishmentPeriod = TimeSpan.FromSeconds(1.0 / PeriodsPerSecond),
            QueueLimit = int.MaxValue,
            QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
        });
    }

    public long BytesPerSecond { get; }

    /// <summary>How long so many bytes take at the least.</summary>
    public TimeSpan TimeFor(long bytes) => TimeSpan.FromSeconds((double)bytes / BytesPerSecond);

    /// <summary>Writes as fast as it is allowed to.</summary>
    public async Task WriteAsync(Stream stream, ReadOnlyMemory<byte> bytes, CancellationToken ct)
    {
        while (bytes.Length > 0)
        {
            var piece = bytes[..Math.Min(pieceBytes, bytes.Length)];
            using (await bucket.AcquireAsync(piece.Length, ct))
                await stream.WriteAsync(piece, ct);
            bytes = bytes[piece.Length..];
        }
    }

    public void Dispose() => bucket.Dispose();
}
