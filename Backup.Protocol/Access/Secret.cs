using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace Backup.Protocol;

/// <summary>
/// 256 random bits. Only its SHA-256 is ever stored by the cluster: what cannot be guessed needs no slow hash, and a stolen
/// hash opens nothing. It never shows itself by accident; <see cref="Reveal"/> is for the one header or file it goes into.
/// </summary>
public sealed class Secret
{
    private const int LengthBytes = 32;

    /// <summary>32 bytes in base64url without padding.</summary>
    private const int LengthChars = 43;

    private readonly byte[] bytes;

    private Secret(byte[] bytes) => this.bytes = bytes;

    /// <summary>64 lower-case hex digits.</summary>
    public string Hash => Convert.ToHexStringLower(SHA256.HashData(bytes));

    public static Secret New() => new(RandomNumberGenerator.GetBytes(LengthBytes));

    public static bool TryParse(string? text, [NotNullWhen(true)] out Secret? secret)
    {
        secret = null;
        if (text?.Length != LengthChars || !Base64Url.IsValid(text))
            return false;
        var bytes = Base64Url.DecodeFromChars(text);
        // One spelling each: the bits that base64 has to spare must be zero.
        if (bytes.Length != LengthBytes || Base64Url.EncodeToString(bytes) != text)
            return false;
        secret = new Secret(bytes);
        return true;
    }

    public static bool IsHash(string? text) => text?.Length == 64 && text.All(char.IsAsciiHexDigitLower);

    /// <summary>A key for one use, and one client, that tells nothing about the others.</summary>
    public byte[] Derive(string use, ClientId client)
    {
        byte[] info = [.. Encoding.ASCII.GetBytes(use), .. new byte[ClientId.LengthBytes]];
        client.Write(info.AsSpan(use.Length));
        return HKDF.Expand(HashAlgorithmName.SHA256, bytes, LengthBytes, info);
    }

    public string Reveal() => Base64Url.EncodeToString(bytes);

    public override string ToString() => "(secret)";
}
