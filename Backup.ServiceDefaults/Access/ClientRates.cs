using System.Threading.RateLimiting;
using Backup.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Backup.ServiceDefaults;

/// <summary>How many requests a client may make in a second, of each server: one that runs wild leaves the others theirs. Processes of the cluster are not counted.</summary>
internal static class ClientRates
{
    /// <summary>Seconds' worth that may come at once: a restore of many small files begins with a few hundred requests.</summary>
    private const int BurstSeconds = 2;

    public static void AddClientRates(this IServiceCollection services, int perSecond) => services.AddRateLimiter(options =>
    {
        options.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, string>(http => http.User is Caller { IsPeer: false } caller
            ? RateLimitPartition.GetTokenBucketLimiter(caller.Client?.ToString() ?? caller.Name, _ => new TokenBucketRateLimiterOptions
            {
                TokenLimit = BurstSeconds * perSecond,
                TokensPerPeriod = perSecond,
                ReplenishmentPeriod = TimeSpan.FromSeconds(1),
                QueueLimit = 0,
            })
            : RateLimitPartition.GetNoLimiter(""));
        options.OnRejected = (rejected, _) => throw new Failure(FailureCode.Busy, $"{((Caller)rejected.HttpContext.User).Name} makes more than {perSecond} requests a second.",
            "client", "Wait a second, then go on.").Exception();
    });
}
