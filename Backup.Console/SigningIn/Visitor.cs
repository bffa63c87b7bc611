using System.Security.Claims;
using Backup.Protocol;

namespace Backup.WebConsole.SigningIn;

/// <summary>Who sits before the browser: whose files he sees, and whether he looks after the cluster.</summary>
public sealed record Visitor(ClientId Client, bool IsOperator)
{
    /// <summary>The cookie's name, and that of its authentication scheme.</summary>
    public const string Scheme = "backup-console";

    private const string ClientClaim = "client";
    private const string OperatorClaim = "operator";

    /// <summary>The one place from which the console knows who is signed in.</summary>
    public static Visitor? Of(ClaimsPrincipal user) => ClientId.TryParse(user.FindFirstValue(ClientClaim), null, out var client)
        ? new Visitor(client, user.HasClaim(claim => claim.Type == OperatorClaim)) : null;

    public ClaimsPrincipal ToPrincipal()
    {
        var claims = new List<Claim> { new(ClientClaim, Client.ToString()) };
        if (IsOperator)
            claims.Add(new Claim(OperatorClaim, ""));
        return new ClaimsPrincipal(new ClaimsIdentity(claims, Scheme));
    }

    /// <exception cref="FailureException">He may not.</exception>
    public void RequireOperator()
    {
        if (!IsOperator)
            throw new Failure(FailureCode.Forbidden, "This needs the right to look after the cluster.", "client", "Sign in with a token that has it.").Exception();
    }
}
