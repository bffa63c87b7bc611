using Backup.Protocol;

namespace Backup.ServiceDefaults;

/// <summary>Whether a grant is one: signed with the cluster's key, for this very request to this very process, now, and for the first time.</summary>
public sealed class GrantCheck(ClusterKey key, string self, TimeProvider time)
{
    private readonly SeenNonces seen = new(time);

    /// <returns>Who issued it.</returns>
    /// <exception cref="FailureException">It is none.</exception>
    public string Check(string text, GrantedRequest request)
    {
        // The signature first: of what is not signed nothing is worth telling, and nothing is remembered.
        if (!Grant.TryParse(text, out var grant) || !grant.IsSigned(key, request))
            throw Refused("The grant is not signed with this cluster's key for this request.", "Give every process of the cluster the same Security:ClusterKey.");
        if (grant.Audience != self)
            throw Refused($"The grant is for {grant.Audience}, and this is {self}.", "Check that each node has an address of its own.");
        var left = DateTimeOffset.FromUnixTimeMilliseconds(grant.ExpiresMs) - time.GetUtcNow();
        if (left < -Grant.ClockTolerance)
            throw Refused($"The grant of {grant.Issuer} has expired.", $"Set the clocks of {grant.Issuer} and {self}: they are apart by more than a minute, or the request was held back.");
        if (left > Grant.LifeTime + Grant.ClockTolerance)
            throw Refused($"The grant of {grant.Issuer} is not valid yet.", $"Set the clocks of {grant.Issuer} and {self}: they are apart by more than a minute.");
        return seen.TryAdd(grant.Nonce) ? grant.Issuer : throw Refused("The grant was used before.", "Make a new one for each request.");
    }

    private static FailureException Refused(string message, string advice) => new Failure(FailureCode.Unauthorized, message, "client", advice).Exception();
}
