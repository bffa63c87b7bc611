using Backup.Storage.Packs;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Backup.Storage.Health;

/// <summary>A node whose disk has reached its reserve is ready for reads only.</summary>
internal sealed class DiskCheck(PackStore store) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        store.Space().FreeBytes > 0 ? HealthCheckResult.Healthy() : HealthCheckResult.Degraded("The disk has reached its reserve: what is here can be read, nothing is taken."));
}
