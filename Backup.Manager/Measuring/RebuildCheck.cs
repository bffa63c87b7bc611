using Backup.Protocol;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Backup.Manager.Measuring;

/// <summary>While the metadata is rebuilt from the nodes, a manager answers from what there is, and writes wait.</summary>
internal sealed class RebuildCheck(Rebuilder rebuilder) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            var state = await rebuilder.ReadAsync(cancellationToken).WaitAsync(cancellationToken);
            return state.IsLost ? HealthCheckResult.Degraded(string.Join(" ", state.Problems)) : HealthCheckResult.Healthy();
        }
        catch (Exception e) when (e is FailureException or OperationCanceledException)
        {
            // Of Redis itself the other check speaks.
            return HealthCheckResult.Healthy();
        }
    }
}
