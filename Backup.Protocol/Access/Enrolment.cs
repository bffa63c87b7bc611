using System.Net.Http.Headers;

namespace Backup.Protocol;

/// <summary>Where a client keeps its tokens between runs.</summary>
/// <param name="Known">Newest first. Of several the first that the cluster takes is used.</param>
/// <param name="Keep">Called before a token is made known to the cluster, so that a crash never loses one that is.</param>
/// <param name="Drop">Called when the cluster did not take it.</param>
public sealed record KeptTokens(IReadOnlyList<AccessToken> Known, Action<AccessToken> Keep, Action<AccessToken> Drop)
{
    /// <summary>For a client that lives as long as the process.</summary>
    public static readonly KeptTokens InMemory = new([], _ => { }, _ => { });
}

/// <summary>
/// A client's token, which it gets by itself when it first needs one: it makes a secret and tells the cluster its hash. On
/// loopback in the development setting that is all; elsewhere an invitation lets it. Repeating it changes nothing.
/// </summary>
public sealed class Enrolment(ClientId client, KeptTokens kept, Secret? invitation = null) : IProof
{
    private readonly SemaphoreSlim one = new(1, 1);
    private readonly Queue<AccessToken> known = new(kept.Known);
    private volatile AccessToken? token;
    private volatile int generation;

    /// <summary>The cluster does not let this client enrol: asking again would change nothing.</summary>
    private volatile bool isRefused;


    public async ValueTask ShowAsync(HttpRequestMessage request, CancellationToken ct)
    {
        var shown = token ?? await FindAsync(new Uri(request.RequestUri!.GetLeftPart(UriPartial.Authority)), ct);
        request.Headers.Authorization = new AuthenticationHeaderValue(Shown.TokenScheme, shown.Reveal());
    }

    public int Generation => generation;

    /// <summary>A cluster whose metadata was lost does not know the token of before: the next one, or a new one, may do.</summary>
    public bool Renew(int refused)
    {
        lock (known)
        {
            if (isRefused)
                return false;
            if (refused == generation)
            {
                token = null;
                generation++;
            }
            return true;
        }
    }

    private async Task<AccessToken> FindAsync(Uri server, CancellationToken ct)
    {
        await one.WaitAsync(ct);
        try
        {
            lock (known)
            {
                if (token is not null || known.TryDequeue(out var next) && (token = next) is not null)
                    return token;
            }
            var made = await EnrolAsync(server, ct);
            token = made;
            return made;
        }
        finally
        {
            one.Release();
        }
    }

    private async Task<AccessToken> EnrolAsync(Uri server, CancellationToken ct)
    {
        var made = AccessToken.New(client);
        kept.Keep(made);
        try
        {
            var access = Clients.Create<IAccess>(server, server.Authority, proof: invitation is null ? null : Shown.Invitation(invitation));
            await access.EnrolAsync(new EnrolRequest(client, made.Secret.Hash), ct);
            return made;
        }
        catch (FailureException e) when (e.Failure.Code is FailureCode.Unauthorized or FailureCode.Forbidden or FailureCode.InvalidRequest)
        {
            kept.Drop(made);
            isRefused = true;
            throw;
        }
    }
}
