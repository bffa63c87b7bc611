using System.Security.Cryptography;
using System.Text;

namespace Backup.Protocol;

/// <summary>The secret that the processes of one cluster share. What it signs comes from one of them. There is no default.</summary>
public sealed class ClusterKey
{
    private const int LengthBytes = 32;

    /// <summary>Another use of the key gets another text, so that nothing signed for one is valid for the other.</summary>
    private static readonly byte[] Use = Encoding.ASCII.GetBytes("backup grant 1");

    private readonly byte[] signing;

    private ClusterKey(byte[] key) => signing = HKDF.DeriveKey(HashAlgorithmName.SHA256, key, LengthBytes, info: Use);

    /// <param name="text">64 hex digits.</param>
    /// <exception cref="FailureException">It is missing or something else. What it is does not stand in the message.</exception>
    public static ClusterKey Parse(string? text)
    {
        if (text?.Length != 2 * LengthBytes || !text.All(char.IsAsciiHexDigit) || text.Distinct().Count() == 1)
        {
            throw new Failure(FailureCode.InvalidRequest, string.IsNullOrEmpty(text) ? "Security:ClusterKey is missing." : "Security:ClusterKey is not a random key of 64 hex digits.",
                "client", "Give every process of the cluster the same Security__ClusterKey; the AppHost makes one and keeps it in its data directory.").Exception();
        }
        return new ClusterKey(Convert.FromHexString(text));
    }

    public byte[] Sign(ReadOnlySpan<byte> message) => HMACSHA256.HashData(signing, message);

    public override string ToString() => "(cluster key)";
}
