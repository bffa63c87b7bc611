namespace Backup.Protocol;

/// <summary>A client makes itself known. It makes its token itself and tells only the hash, so that this may be repeated.</summary>
/// <param name="TokenHash">SHA-256 of the token's secret, 64 lower-case hex digits.</param>
/// <param name="Invitation">Only from a node to the manager, which passes on what it was shown.</param>
public sealed record EnrolRequest(ClientId Client, string TokenHash, string? Invitation = null);

/// <param name="Scopes">What the token may do.</param>
/// <param name="ExpiresMs">Null when it does not.</param>
public sealed record EnrolReply(Scope Scopes, long? ExpiresMs);

/// <summary>Asks for an invitation, which lets one client enrol once.</summary>
/// <param name="Scopes">What its token may do then.</param>
/// <param name="Client">For a further token of this client, which must be the caller; null for a new client.</param>
/// <param name="ValidMinutes">How long the invitation may be used.</param>
/// <param name="TokenDays">How long the token is valid; null for ever.</param>
public sealed record InviteRequest(Scope Scopes, ClientId? Client = null, int ValidMinutes = 60, int? TokenDays = null);

/// <param name="Invitation">Shown this once; the cluster keeps only its hash.</param>
public sealed record InviteReply(string Invitation, long ExpiresMs);

public sealed record TokensRequest(ClientId Client);

/// <summary>A token without its secret.</summary>
/// <param name="Id">The first 16 digits of its hash: names it, opens nothing.</param>
public sealed record TokenInfo(string Id, Scope Scopes, long CreatedMs, long? ExpiresMs, long? RevokedMs);

/// <param name="Tokens">Oldest first.</param>
public sealed record TokensReply(TokenInfo[] Tokens);

/// <param name="Id">See <see cref="TokenInfo"/>.</param>
public sealed record RevokeRequest(ClientId Client, string Id);

/// <summary>A node asks the manager about a token that it was shown.</summary>
public sealed record TokenCheckRequest(ClientId Client, string TokenHash);

/// <summary>What became of a token.</summary>
public enum TokenStanding
{
    Unknown,
    Valid,
    Expired,
    Revoked,
}

/// <param name="Scopes">None unless it is valid.</param>
public sealed record TokenCheckReply(TokenStanding Standing, Scope Scopes, long? ExpiresMs);
