namespace Backup.Protocol;

/// <summary>What a caller may do. Every route demands one of these; there is none that demands nothing but the two health checks.</summary>
[Flags]
public enum Scope
{
    None = 0,

    /// <summary>Store new versions, which never destroy old ones, and name moments.</summary>
    Append = 1,

    /// <summary>Read content.</summary>
    Read = 2,

    /// <summary>See names, sizes, times, and how the cluster is.</summary>
    List = 4,

    /// <summary>Delete files and snapshots, and apply retention.</summary>
    Delete = 8,

    /// <summary>Look after the cluster: drain, repair, rebuild, invite, revoke. It opens nobody's files.</summary>
    Admin = 16,

    /// <summary>A process of the cluster itself. No token has it, only grants signed with the cluster's key.</summary>
    Peer = 32,

    /// <summary>Nothing but to enrol: what an invitation, or loopback in the development setting, opens.</summary>
    Enrol = 64,
}

/// <summary>Scopes as people and Redis write them: lower-case names with commas between.</summary>
public static class Scopes
{
    /// <summary>What a token may have.</summary>
    public const Scope OfTokens = Scope.Append | Scope.Read | Scope.List | Scope.Delete | Scope.Admin;

    /// <summary>All there are.</summary>
    public const Scope All = OfTokens | Scope.Peer | Scope.Enrol;

    private static readonly Scope[] Single = [Scope.Append, Scope.Read, Scope.List, Scope.Delete, Scope.Admin, Scope.Peer, Scope.Enrol];

    public static string Text(this Scope scopes) => string.Join(',', Single.Where(s => scopes.HasFlag(s)).Select(s => s.ToString().ToLowerInvariant()));

    /// <summary>Reads names of scopes that tokens may have; at least one.</summary>
    public static bool TryParse(string? text, out Scope scopes)
    {
        scopes = Scope.None;
        foreach (var name in (text ?? "").Split(','))
        {
            var scope = Single.FirstOrDefault(s => s.Text() == name);
            if (scope == Scope.None || !OfTokens.HasFlag(scope))
                return false;
            scopes |= scope;
        }
        return true;
    }
}
