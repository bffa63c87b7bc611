using System.Buffers.Text;
using System.Security.Cryptography;
using Backup.Protocol;

namespace Backup.Client;

/// <summary>
/// A recovery key as a person keeps it on paper: 16 groups of four hex digits, and a seventeenth that shows a slip of the pen.
/// </summary>
internal static class RecoveryKey
{
    private const int GroupChars = 4;
    private const int Groups = 17;

    public static string Text(Secret key)
    {
        var bytes = Base64Url.DecodeFromChars(key.Reveal());
        return string.Join('-', (Convert.ToHexString(bytes) + Check(bytes)).Chunk(GroupChars).Select(group => new string(group)));
    }

    /// <exception cref="FailureException">It is none, or was copied wrongly. What it is does not stand in the message.</exception>
    public static Secret Parse(string text)
    {
        var digits = string.Concat(text.Where(char.IsAsciiLetterOrDigit)).ToUpperInvariant();
        if (digits.Length == Groups * GroupChars && digits.All(char.IsAsciiHexDigit))
        {
            var bytes = Convert.FromHexString(digits[..^GroupChars]);
            if (Check(bytes) == digits[^GroupChars..] && Secret.TryParse(Base64Url.EncodeToString(bytes), out var key))
                return key;
        }
        throw new Failure(FailureCode.InvalidRequest, "That is no recovery key.", "client", $"It has {Groups} groups of {GroupChars} characters, 0 to 9 and A to F; look for one that was copied wrongly.").Exception();
    }

    private static string Check(byte[] bytes) => Convert.ToHexString(SHA256.HashData(bytes).AsSpan(0, GroupChars / 2));
}
