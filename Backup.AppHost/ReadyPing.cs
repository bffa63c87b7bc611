using System.Net.Security;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Backup.AppHost;

/// <summary>Asks a process whether it is ready, over TLS where the cluster speaks it.</summary>
internal sealed class ReadyPing(Uri health, PrivateAuthority? tls) : IHealthCheck
{
    /// <summary>A process that is not there refuses at once; one that hangs is not ready.</summary>
    private static readonly TimeSpan AnswerTimeMax = TimeSpan.FromSeconds(5);

    private readonly HttpClient http = new(new SocketsHttpHandler
    {
        UseProxy = false,
        SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = tls is null ? null : tls.IsVouchedFor },
    })
    {
        Timeout = AnswerTimeMax,
    };

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            using var answer = await http.GetAsync(health, cancellationToken);
            return answer.IsSuccessStatusCode ? HealthCheckResult.Healthy()
                : HealthCheckResult.Unhealthy($"{health} answered {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync(cancellationToken)}");
        }
        catch (Exception failure) when (failure is HttpRequestException || (failure is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return HealthCheckResult.Unhealthy($"{health}: {failure.Message}");
        }
    }
}
