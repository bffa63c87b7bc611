using System.Globalization;
using Backup.Protocol;

namespace Backup.Manager.Access;

/// <summary>A token as Redis keeps it: "scopes createdMs expiresMs|- revokedMs|-", written by the scripts enrol-client and revoke-token.</summary>
public sealed record TokenLine(Scope Scopes, long CreatedMs, long? ExpiresMs, long? RevokedMs)
{
    private const string Never = "-";

    public static TokenLine Parse(string line)
    {
        var fields = line.Split(' ');
        return Protocol.Scopes.TryParse(fields[0], out var scopes) ? new TokenLine(scopes, Time(fields[1])!.Value, Time(fields[2]), Time(fields[3]))
            : throw new FormatException($"No scopes: '{fields[0]}'.");
    }

    /// <summary>By the cluster's clock, whatever the caller's says.</summary>
    public TokenCheckReply At(long nowMs) =>
        RevokedMs is not null ? new TokenCheckReply(TokenStanding.Revoked, Scope.None, ExpiresMs)
        : ExpiresMs <= nowMs ? new TokenCheckReply(TokenStanding.Expired, Scope.None, ExpiresMs)
        : new TokenCheckReply(TokenStanding.Valid, Scopes, ExpiresMs);

    private static long? Time(string field) => field == Never ? null : long.Parse(field, CultureInfo.InvariantCulture);
}
