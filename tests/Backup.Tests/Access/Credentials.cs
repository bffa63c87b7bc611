using System.Net.Http.Headers;
using Backup.Manager.Access;
using Backup.Protocol;
using Backup.Tests.Manager;

namespace Backup.Tests.Access;

/// <summary>One way to ask: what is shown, and whether a route that demands a scope must let it in.</summary>
/// <param name="Show">Puts it into the request. The argument after it is the scope the route demands.</param>
/// <param name="Opens">Whether a route that demands this is open to it.</param>
public sealed record Credential(string Name, Action<HttpRequestMessage, Scope> Show, Func<Scope, bool> Opens)
{
    private static readonly Scope[] Single = [Scope.Append, Scope.Read, Scope.List, Scope.Delete, Scope.Admin];

    /// <summary>All that the matrix of access knows, good ones and bad ones, for the server of this name.</summary>
    public static async Task<Credential[]> AllAsync(Tokens tokens, string server)
    {
        var client = ClientId.New();
        var full = await EnrolAsync(tokens, client, Scopes.OfTokens);
        var expired = await EnrolAsync(tokens, client, Scopes.OfTokens, tokenDays: 1);
        var revoked = await EnrolAsync(tokens, client, Scopes.OfTokens);
        await tokens.RevokeAsync(new RevokeRequest(client, revoked.Secret.Hash[..16]), default);
        var allBut = new Dictionary<Scope, AccessToken>();
        foreach (var scope in Single)
            allBut[scope] = await EnrolAsync(tokens, client, Scopes.OfTokens & ~scope);
        var key = ClusterKey.Parse(ManagerProcess.KeyText);
        var otherKey = ClusterKey.Parse(Convert.ToHexStringLower(System.Security.Cryptography.RandomNumberGenerator.GetBytes(32)));
        return
        [
            new("none", (_, _) => { }, _ => false),
            new("wrong", (r, _) => Bearer(r, AccessToken.New(client)), _ => false),
            new("garbage", (r, _) => r.Headers.TryAddWithoutValidation("Authorization", "Bearer x"), _ => false),
            new("expired", (r, _) => Bearer(r, expired), _ => false),
            new("revoked", (r, _) => Bearer(r, revoked), _ => false),
            // Peer and Enrol are in no token at all, so the full one is too small for them.
            new("too small", (r, s) => Bearer(r, allBut.GetValueOrDefault(s) ?? full), _ => false),
            new("for another", (r, _) => { Bearer(r, full); r.Headers.Add(Headers.Client, ClientId.New().ToString()); }, _ => false),
            new("two at once", (r, _) => r.Headers.TryAddWithoutValidation("Authorization", [$"Bearer {full.Reveal()}", $"Bearer {full.Reveal()}"]), _ => false),
            new("invitation", (r, _) => r.Headers.Authorization = new AuthenticationHeaderValue(Shown.InvitationScheme, Secret.New().Reveal()), scope => scope == Scope.Enrol),
            new("forged grant", (r, _) => Granted(r, otherKey, server), _ => false),
            new("old grant", (r, _) => Granted(r, key, server, TimeSpan.FromMinutes(-5)), _ => false),
            new("early grant", (r, _) => Granted(r, key, server, TimeSpan.FromMinutes(5)), _ => false),
            new("other's grant", (r, _) => Granted(r, key, "someone-else"), _ => false),
            new("moved grant", (r, _) => { Granted(r, key, server); r.Headers.Add(Headers.Client, client.ToString()); }, _ => false),
            new("good token", (r, _) => Bearer(r, full), scope => Scopes.OfTokens.HasFlag(scope)),
            new("good grant", (r, _) => { r.Headers.Add(Headers.Client, client.ToString()); Granted(r, key, server); }, _ => true),
        ];
    }

    /// <summary>A token of a client, with these scopes, through an invitation as the first or a further one.</summary>
    public static async Task<AccessToken> EnrolAsync(Tokens tokens, ClientId client, Scope scopes, int? tokenDays = null)
    {
        var known = (await tokens.TokensAsync(new TokensRequest(client), default)).Tokens.Length > 0;
        var invitation = await tokens.InviteAsync(new InviteRequest(scopes, known ? client : null, TokenDays: tokenDays), default);
        var token = AccessToken.New(client);
        await tokens.EnrolAsync(new EnrolRequest(client, token.Secret.Hash, invitation.Invitation), default);
        return token;
    }

    private static void Bearer(HttpRequestMessage request, AccessToken token) => request.Headers.Authorization = new AuthenticationHeaderValue(Shown.TokenScheme, token.Reveal());

    /// <summary>Signed when it is shown, or as long from then as is said: a grant is good for a minute, and the matrix may take longer.</summary>
    private static void Granted(HttpRequestMessage request, ClusterKey key, string audience, TimeSpan from = default) => request.Headers.Authorization =
        new AuthenticationHeaderValue(Grant.Scheme, Grant.Sign(key, "n9", audience, GrantedRequest.Of(request), TimeProvider.System.GetUtcNow() + from).ToString());
}
