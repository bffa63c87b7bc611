using System.Net.Http.Headers;

namespace Backup.Protocol;

/// <summary>Where a client keeps its tokens between runs.</summary>
/// <param name="Read">What is kept now, newest first. Of several the first that the cluster takes is used.</param>
/// <param name="Keep">Called before a token is made known to the cluster, so that a crash never loses one that is.</param>
/// <param name="Drop">Called when the cluster did not take it.</param>
/// <param name="Alone">Waits while another process finds or makes its token: what is kept then is known to the cluster.</param>
public sealed record KeptTokens(
    Func<IReadOnlyList<AccessToken>> Read, Action<AccessToken> Keep, Action<AccessToken> Drop, Func<CancellationToken, ValueTask<IDisposable?>> Alone)
{
    /// <summary>For a client that lives as long as the process.</summary>
    public static readonly KeptTokens InMemory = new(() => [], _ => { }, _ => { }, _ => ValueTask.FromResult<IDisposable?>(null));
}

/// <summary>
/// A client's token, which it gets by itself when it first needs one: it makes a secret and tells the cluster its hash. On
/// loopback in the development setting that is all; elsewhere an invitation lets it. Repeating it changes nothing.
/// </summary>
public sealed class Enrolment(ClientId client, KeptTokens kept, Secret? invitation = null) : IProof
{
    private readonly SemaphoreSlim one = new(1, 1);
    private readonly Lock renewing = new();

    /// <summary>The hashes of the kept tokens that were shown.</summary>
    private readonly HashSet<string> tried = [];
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
        lock (renewing)
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
            if (token is { } found)
                return found;
            using var alone = await kept.Alone(ct);
            return token = kept.Read().FirstOrDefault(other => tried.Add(other.Secret.Hash)) ?? await EnrolAsync(server, ct);
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
