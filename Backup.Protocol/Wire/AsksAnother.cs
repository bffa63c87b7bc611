using System.Net;

namespace Backup.Protocol;

/// <summary>
/// Sends a request to one of several servers that can all answer it: to the one that answered last, and when that one is away or
/// cannot do it now, to each of the others once. The last one's answer counts.
/// </summary>
public sealed class AsksAnother(IReadOnlyList<Uri> servers, HttpMessageHandler inner) : DelegatingHandler(inner)
{
    private int current;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken ct)
    {
        // Kept, so that it can be sent again. These are small: files do not go this way.
        if (request.Content is not null)
            await request.Content.LoadIntoBufferAsync(ct);
        for (var tries = 1; ; tries++)
        {
            var at = Volatile.Read(ref current);
            request.RequestUri = new Uri(servers[at % servers.Count], request.RequestUri!.PathAndQuery);
            try
            {
                var response = await base.SendAsync(request, ct);
                if (!MayPass(response.StatusCode) || tries >= servers.Count)
                    return response;
                response.Dispose();
            }
            catch (FailureException e) when (e.Failure.IsTransient && tries < servers.Count)
            {
                // The next one is asked.
            }
            Interlocked.CompareExchange(ref current, at + 1, at);
        }
    }

    /// <summary>Its Redis is out of reach for this one, or it has too much to do: the next one may fare better.</summary>
    private static bool MayPass(HttpStatusCode status) => status is HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout;
}
