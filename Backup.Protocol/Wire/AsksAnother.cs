using System.Net;

namespace Backup.Protocol;

/// <summary>Servers that can all answer the same, and which of them is asked: the one that answered last. Shared by all clients of them.</summary>
public sealed class Servers(IReadOnlyList<Uri> addresses)
{
    private int current;

    public int Count => addresses.Count;

    /// <summary>The one to ask, with what names it for <see cref="Leave"/>.</summary>
    public (Uri Address, int Turn) Current
    {
        get
        {
            var turn = Volatile.Read(ref current);
            return (addresses[turn % addresses.Count], turn);
        }
    }

    /// <summary>The next one is asked from now on, unless somebody else has turned away from this one already.</summary>
    public void Leave(int turn) => Interlocked.CompareExchange(ref current, turn + 1, turn);
}

/// <summary>
/// Sends a request to one of several servers that can all answer it: to the one that answered last, and when that one is away or
/// cannot do it now, to each of the others once. The last one's answer counts.
/// </summary>
public sealed class AsksAnother(Servers servers, HttpMessageHandler inner) : DelegatingHandler(inner)
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken ct)
    {
        // Kept, so that it can be sent again. These are small: files do not go this way.
        if (request.Content is not null)
            await request.Content.LoadIntoBufferAsync(ct);
        for (var tries = 1; ; tries++)
        {
            var (address, turn) = servers.Current;
            request.RequestUri = new Uri(address, request.RequestUri!.PathAndQuery);
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
            servers.Leave(turn);
        }
    }

    /// <summary>Its Redis is out of reach for this one, or it has too much to do: the next one may fare better.</summary>
    private static bool MayPass(HttpStatusCode status) => status is HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout;
}
