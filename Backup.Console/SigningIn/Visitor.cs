using System.Security.Claims;
using Backup.Protocol;

namespace Backup.WebConsole.SigningIn;

/// <summary>Who sits before the browser: whose files he sees, and what he may do with them and with the cluster.</summary>
/// <param name="TokenHash">Of the token he signed in with, which is looked at again with each request; null for who was let in without one.</param>
public sealed record Visitor(ClientId Client, Scope Scopes, string? TokenHash)
{
    /// <summary>The cookie's name, and that of its authentication scheme.</summary>
    public const string Scheme = "backup-console";

    private const string ClientClaim = "client";
    private const string ScopesClaim = "scopes";
    private const string TokenClaim = "token-hash";

    /// <summary>He looks after the cluster.</summary>
    public bool IsOperator => Scopes.HasFlag(Scope.Admin);

    /// <summary>The one place from which the console knows who is signed in.</summary>
    public static Visitor? Of(ClaimsPrincipal user) =>
        ClientId.TryParse(user.FindFirstValue(ClientClaim), null, out var client) && Protocol.Scopes.TryParse(user.FindFirstValue(ScopesClaim), out var scopes)
            ? new Visitor(client, scopes, user.FindFirstValue(TokenClaim)) : null;

    public ClaimsPrincipal ToPrincipal()
    {
        var claims = new List<Claim> { new(ClientClaim, Client.ToString()), new(ScopesClaim, Scopes.Text()) };
        if (TokenHash is not null)
            claims.Add(new Claim(TokenClaim, TokenHash));
        return new ClaimsPrincipal(new ClaimsIdentity(claims, Scheme));
    }

    /// <exception cref="FailureException">He may not.</exception>
    public void Require(Scope scope)
    {
        if (!Scopes.HasFlag(scope))
            throw new Failure(FailureCode.Forbidden, $"This takes a token with the scope '{scope.Text()}'.", "client", "Sign in with one that has it.").Exception();
    }
}
