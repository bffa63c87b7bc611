namespace Backup.Client;

/// <summary>
/// Times as the wire has them: nanoseconds since 1970 in 64 bits, which reach from 1677 to 2262. A file system may say 9999:
/// such a time stays at the end of the range instead of wrapping around into the past.
/// </summary>
internal static class UnixTime
{
    private const long PerSecond = 1_000_000_000;

    public static long Nanoseconds(long seconds, long nanoseconds)
    {
        var all = (Int128)seconds * PerSecond + nanoseconds;
        return all > long.MaxValue ? long.MaxValue : all < long.MinValue ? long.MinValue : (long)all;
    }

    /// <summary>Split as the system wants it: the nanoseconds are never negative, before 1970 either.</summary>
    public static (long Seconds, long Nanoseconds) Split(long nanoseconds)
    {
        var seconds = nanoseconds / PerSecond;
        var rest = nanoseconds % PerSecond;
        return rest < 0 ? (seconds - 1, rest + PerSecond) : (seconds, rest);
    }

    public static long Nanoseconds(DateTimeOffset time) => Nanoseconds(
        Math.DivRem(time.UtcTicks - DateTimeOffset.UnixEpoch.Ticks, TimeSpan.TicksPerSecond, out var ticks), ticks * 100);
}
