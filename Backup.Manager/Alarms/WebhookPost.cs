using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Backup.Protocol;
using Microsoft.Extensions.Options;

namespace Backup.Manager.Alarms;

/// <summary>Posts events as JSON, again and again for a while when that fails.</summary>
public sealed class WebhookPost(IHttpClientFactory clients, IOptions<ClusterOptions> options)
{
    public const string ClientName = "webhooks";

    /// <summary>"sha256=" and the HMAC of the body under the secret, in hex: as others who call webhooks do.</summary>
    public const string SignatureHeader = "Backup-Signature";

    private const string JsonMediaType = "application/json";

    /// <returns>Why it was not taken; null when it was.</returns>
    public async Task<string?> SendAsync(Uri address, ClusterEvent[] events, CancellationToken ct)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(new EventsReply(events), WireJson.Default.EventsReply);
        using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(JsonMediaType);
        if (options.Value.WebhookSecret is { Length: > 0 } secret)
            request.Headers.Add(SignatureHeader, "sha256=" + Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), body)));
        try
        {
            using var http = clients.CreateClient(ClientName);
            using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct);
            return answer.IsSuccessStatusCode ? null : $"it answered {(int)answer.StatusCode}";
        }
        // What the retries end with has many types, and whichever it is, it is tried again later.
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            return e.Message.TrimEnd('.');
        }
    }
}

internal static class WebhookSetup
{
    private static readonly TimeSpan ConnectTime = TimeSpan.FromSeconds(5);

    public static IServiceCollection AddWebhooks(this IServiceCollection services)
    {
        // Redirects would lead to where nobody configured it to go.
        services.AddHttpClient(WebhookPost.ClientName)
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, ConnectTimeout = ConnectTime })
            .AddStandardResilienceHandler();
        services.AddSingleton<WebhookPost>();
        return services.AddSingleton<WebhookWorker>().AddHostedService(all => all.GetRequiredService<WebhookWorker>());
    }
}
