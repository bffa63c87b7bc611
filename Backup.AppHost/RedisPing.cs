using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Backup.AppHost;

/// <summary>Asks a Redis whether it is ready, with nothing but a socket: the AppHost needs no Redis client for that.</summary>
internal sealed class RedisPing(int port, ParameterResource password, PrivateAuthority? tls) : IHealthCheck
{
    private const string Answer = "+OK\r\n+PONG";

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync("127.0.0.1", port, cancellationToken);
            await using var stream = await OpenAsync(client, cancellationToken);
            var secret = await password.GetValueAsync(cancellationToken);
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"*2\r\n$4\r\nAUTH\r\n${secret!.Length}\r\n{secret}\r\n*1\r\n$4\r\nPING\r\n"), cancellationToken);
            var answer = new byte[Answer.Length];
            await stream.ReadExactlyAsync(answer, cancellationToken);
            return Encoding.ASCII.GetString(answer) == Answer ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy("It is reading its log.");
        }
        catch (Exception failure) when (failure is SocketException or IOException or AuthenticationException)
        {
            return HealthCheckResult.Unhealthy(failure.Message);
        }
    }

    private async Task<Stream> OpenAsync(TcpClient client, CancellationToken cancellationToken)
    {
        if (tls is null)
            return client.GetStream();
        var secured = new SslStream(client.GetStream());
        await secured.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions { TargetHost = "127.0.0.1", RemoteCertificateValidationCallback = tls.IsVouchedFor }, cancellationToken);
        return secured;
    }
}
