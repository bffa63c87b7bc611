using Backup.Protocol;

namespace Backup.ServiceDefaults;

/// <summary>
/// Each grant opens once. Remembers the nonces of grants until they have expired: two sets that take turns, so that
/// forgetting costs nothing. Only nonces that were signed with the cluster's key come here.
/// </summary>
public sealed class SeenNonces(TimeProvider time, int noncesMax = SeenNonces.NoncesMax)
{
    /// <summary>Per turn of a minute: four thousand requests a second between processes, some 25 MB at the worst.</summary>
    public const int NoncesMax = 1 << 18;

    /// <summary>The longest that a grant may still be accepted after it came for the first time.</summary>
    private static readonly TimeSpan TurnTime = Grant.LifeTime + 2 * Grant.ClockTolerance;

    private readonly Lock gate = new();
    private HashSet<UInt128> now = [];
    private HashSet<UInt128> before = [];
    private long turnedAt = time.GetTimestamp();

    /// <returns>False when it was here before.</returns>
    /// <exception cref="FailureException">More than can be remembered: nothing is let through unremembered.</exception>
    public bool TryAdd(string nonce)
    {
        var number = UInt128.Parse(nonce, System.Globalization.NumberStyles.AllowHexSpecifier, System.Globalization.CultureInfo.InvariantCulture);
        lock (gate)
        {
            if (time.GetElapsedTime(turnedAt) >= TurnTime)
            {
                (before, now) = (now, before);
                now.Clear();
                turnedAt = time.GetTimestamp();
            }
            if (before.Contains(number))
                return false;
            if (now.Count >= noncesMax && !now.Contains(number))
                throw new Failure(FailureCode.Busy, "Too many requests between processes at once.", "client", "Try again in a moment.").Exception();
            return now.Add(number);
        }
    }
}
