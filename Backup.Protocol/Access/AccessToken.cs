using System.Diagnostics.CodeAnalysis;

namespace Backup.Protocol;

/// <summary>What a client shows: who it is, and a secret. Written "backup_CLIENT_SECRET", so that scanners for leaked secrets find it.</summary>
public sealed record AccessToken(ClientId Client, Secret Secret)
{
    private const string Prefix = "backup";

    public static AccessToken New(ClientId client) => new(client, Secret.New());

    public static bool TryParse(string? text, [NotNullWhen(true)] out AccessToken? token)
    {
        token = null;
        // The secret may hold underscores itself.
        var parts = (text ?? "").Split('_', 3);
        if (parts.Length != 3 || parts[0] != Prefix || !ClientId.TryParse(parts[1], null, out var client) || !Secret.TryParse(parts[2], out var secret))
            return false;
        token = new AccessToken(client, secret);
        return token.Reveal() == text;
    }

    /// <summary>For the Authorization header and the owner's file, and nothing else.</summary>
    public string Reveal() => $"{Prefix}_{Client}_{Secret.Reveal()}";

    public override string ToString() => $"(token of client {Client})";
}
