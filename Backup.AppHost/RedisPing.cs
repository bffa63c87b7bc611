using System.Net.Sockets;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Backup.AppHost;

/// <summary>Asks a Redis whether it is ready, with nothing but a socket: the AppHost needs no Redis client for that.</summary>
internal sealed class RedisPing(int port) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync("127.0.0.1", port, cancellationToken);
            var stream = client.GetStream();
            await stream.WriteAsync("PING\r\n"u8.ToArray(), cancellationToken);
            var answer = new byte[5];
            await stream.ReadExactlyAsync(answer, cancellationToken);
            return answer.AsSpan().SequenceEqual("+PONG"u8) ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy("It is reading its log.");
        }
        catch (Exception failure) when (failure is SocketException or IOException)
        {
            return HealthCheckResult.Unhealthy(failure.Message);
        }
    }
}
