using Backup.Storage.Membership;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Backup.Storage.Health;

/// <summary>A node is ready once the manager knows it. While the manager is away it can still be read from.</summary>
internal sealed class MembershipCheck(Peers peers) : IHealthCheck
{
    /// <summary>The lease of a node (three heartbeats of two seconds): after it the manager counts the node as dead.</summary>
    private static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(6);

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        peers.Epoch == 0 ? HealthCheckResult.Unhealthy("Not registered with the manager yet.")
        : peers.SinceRenewed > LeaseTime ? HealthCheckResult.Degraded("The manager does not answer: what is here can be read, nothing is taken.")
        : HealthCheckResult.Healthy());
}
