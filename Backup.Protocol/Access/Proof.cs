using System.Net.Http.Headers;

namespace Backup.Protocol;

/// <summary>What a caller shows with each request to be let in.</summary>
public interface IProof
{
    /// <summary>Puts it into the request's Authorization header.</summary>
    /// <exception cref="FailureException">There is none to be had.</exception>
    ValueTask ShowAsync(HttpRequestMessage request, CancellationToken ct);

    /// <summary>Changes whenever something else is shown than before.</summary>
    int Generation => 0;

    /// <summary>Is told that what was shown in a generation was refused.</summary>
    /// <returns>Whether there is something else to show.</returns>
    bool Renew(int generation) => false;
}

/// <summary>The same words each time: a token, or an invitation.</summary>
public sealed class Shown(string scheme, string secret) : IProof
{
    public const string TokenScheme = "Bearer";
    public const string InvitationScheme = "Invitation";

    public static Shown Token(AccessToken token) => new(TokenScheme, token.Reveal());

    public static Shown Invitation(Secret invitation) => new(InvitationScheme, invitation.Reveal());

    public ValueTask ShowAsync(HttpRequestMessage request, CancellationToken ct)
    {
        request.Headers.Authorization = new AuthenticationHeaderValue(scheme, secret);
        return ValueTask.CompletedTask;
    }
}

/// <summary>How a process of the cluster speaks to another: each request with a grant of its own.</summary>
/// <param name="self">Its node id, or <see cref="Grant.Manager"/>.</param>
public sealed class PeerGrants(ClusterKey key, string self, TimeProvider time)
{
    /// <summary>For a connection to one process: a node's id, or <see cref="Grant.Manager"/>.</summary>
    public IProof To(string audience) => new Signed(this, (_, _) => ValueTask.FromResult(audience));

    /// <summary>For connections to many: the function says whose address it is, or fails, so that nothing is signed for strangers.</summary>
    public IProof To(Func<Uri, CancellationToken, ValueTask<string>> audienceAt) => new Signed(this, audienceAt);

    private sealed class Signed(PeerGrants grants, Func<Uri, CancellationToken, ValueTask<string>> audienceAt) : IProof
    {
        public async ValueTask ShowAsync(HttpRequestMessage request, CancellationToken ct)
        {
            var audience = await audienceAt(request.RequestUri!, ct);
            request.Headers.Authorization = new AuthenticationHeaderValue(Grant.Scheme, grants.Sign(audience, GrantedRequest.Of(request)).ToString());
        }
    }

    private Grant Sign(string audience, GrantedRequest request) => Grant.Sign(key, self, audience, request, time.GetUtcNow());
}

/// <summary>Shows the proof with every request that passes.</summary>
public sealed class ShowsProof(IProof proof, HttpMessageHandler inner) : DelegatingHandler(inner)
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken ct)
    {
        await proof.ShowAsync(request, ct);
        return await base.SendAsync(request, ct);
    }
}
