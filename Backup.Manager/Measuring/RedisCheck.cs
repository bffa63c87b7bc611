using Backup.Manager.Redis;
using Backup.Protocol;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Backup.Manager.Measuring;

/// <summary>A manager without Redis can answer nobody: it is alive and not ready.</summary>
internal sealed class RedisCheck(Metadata metadata) : IHealthCheck
{
    /// <summary>Shorter than a call may take: whoever asks for health has a limit of his own, of a few seconds at the most.</summary>
    public static readonly TimeSpan AnswerTimeMax = TimeSpan.FromSeconds(2);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await metadata.ReadManyAsync([Keys.Epoch], cancellationToken).WaitAsync(cancellationToken);
            return HealthCheckResult.Healthy();
        }
        catch (FailureException e)
        {
            return HealthCheckResult.Unhealthy(e.Failure.Message);
        }
        catch (OperationCanceledException)
        {
            return HealthCheckResult.Unhealthy($"Redis did not answer within {AnswerTimeMax.TotalSeconds:N0} s.");
        }
    }
}
