using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Backup.Protocol;

/// <summary>What of a request a grant holds for. Whoever changes any of it has a request without a grant.</summary>
/// <param name="Target">Path and query as they stand in the request line.</param>
/// <param name="LengthBytes">0 when there is no body or its length is not announced.</param>
public sealed record GrantedRequest(string Method, string Target, string Client, string Nodes, string Epoch, long LengthBytes)
{
    public static GrantedRequest Of(HttpRequestMessage request) => new(request.Method.Method, request.RequestUri!.PathAndQuery,
        Value(request, Headers.Client), Value(request, Headers.Nodes), Value(request, Headers.Epoch), request.Content?.Headers.ContentLength ?? 0);

    private static string Value(HttpRequestMessage request, string header) =>
        request.Headers.TryGetValues(header, out var values) ? string.Join(',', values) : "";
}

/// <summary>
/// A process of the cluster vouches for one request: who asks, whom, what, and until when, signed with the cluster's key.
/// On the wire "1.ISSUER.AUDIENCE.EXPIRESMS.NONCE.MAC".
/// </summary>
public sealed record Grant(string Issuer, string Audience, long ExpiresMs, string Nonce, string Mac)
{
    /// <summary>The name of the scheme in the Authorization header.</summary>
    public const string Scheme = "Grant";

    /// <summary>The manager, as issuer and as audience; nodes have their ids.</summary>
    public const string Manager = "manager";

    /// <summary>A request is on its way for milliseconds; this is for a sender that was stopped for a moment.</summary>
    public static readonly TimeSpan LifeTime = TimeSpan.FromSeconds(30);

    /// <summary>How far the clocks of two machines may be apart. NTP keeps them within a second.</summary>
    public static readonly TimeSpan ClockTolerance = TimeSpan.FromSeconds(30);

    private const string Version = "1";
    private const int NonceChars = 32;
    private const int MacChars = 64;

    public static Grant Sign(ClusterKey key, string issuer, string audience, GrantedRequest request, DateTimeOffset now)
    {
        var grant = new Grant(issuer, audience, (now + LifeTime).ToUnixTimeMilliseconds(), RandomNumberGenerator.GetHexString(NonceChars, lowercase: true), "");
        return grant with { Mac = Convert.ToHexStringLower(key.Sign(grant.Signed(request))) };
    }

    public static bool TryParse(string? text, [NotNullWhen(true)] out Grant? grant)
    {
        var parts = (text ?? "").Split('.');
        grant = parts.Length == 6 && parts[0] == Version && NodeId.TryParse(parts[1], null, out _) && NodeId.TryParse(parts[2], null, out _)
            && long.TryParse(parts[3], NumberStyles.None, CultureInfo.InvariantCulture, out var expires)
            && parts[4].Length == NonceChars && parts[4].All(char.IsAsciiHexDigitLower) && parts[5].Length == MacChars && parts[5].All(char.IsAsciiHexDigitLower)
            ? new Grant(parts[1], parts[2], expires, parts[4], parts[5]) : null;
        return grant is not null;
    }

    /// <summary>Compares in constant time.</summary>
    public bool IsSigned(ClusterKey key, GrantedRequest request) =>
        CryptographicOperations.FixedTimeEquals(key.Sign(Signed(request)), Convert.FromHexString(Mac));

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Version}.{Issuer}.{Audience}.{ExpiresMs}.{Nonce}.{Mac}");

    /// <summary>One field a line. No header can hold a line's end, so no two requests give the same text.</summary>
    private byte[] Signed(GrantedRequest request) => Encoding.UTF8.GetBytes(string.Join('\n', "backup grant", Version, Issuer, Audience,
        ExpiresMs.ToString(CultureInfo.InvariantCulture), Nonce, request.Method, request.Target, request.Client, request.Nodes, request.Epoch,
        request.LengthBytes.ToString(CultureInfo.InvariantCulture)));
}
