using System.Text;
using Backup.Protocol;
using Microsoft.AspNetCore.Http.Features;

namespace Backup.Storage.Gateway;

/// <summary>
/// The path a plain HTTP tool means. The server decodes what it can and leaves the rest as it stands ("%2f", overlong UTF-8), so that
/// the file would get a name nobody sent: such a path is refused, as is one the server has shortened by "..".
/// </summary>
internal static class SentPath
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <exception cref="FailureException">It is no path, or not the one that was sent.</exception>
    public static RootedPath Parse(HttpContext http, string path)
    {
        var sent = (http.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "").Split('?')[0];
        return Decoded(sent) is { } decoded && decoded.EndsWith("/files/" + path, StringComparison.Ordinal) ? RootedPath.Parse(path)
            : throw Failure.InvalidPath(path, "as it was sent it is not UTF-8, has an encoded '/', or goes up").Exception();
    }

    /// <returns>Null when it is not UTF-8.</returns>
    private static string? Decoded(string sent)
    {
        var bytes = new List<byte>(sent.Length);
        for (var i = 0; i < sent.Length; i++)
        {
            if (sent[i] == '%' && i + 2 < sent.Length && char.IsAsciiHexDigit(sent[i + 1]) && char.IsAsciiHexDigit(sent[i + 2]))
            {
                bytes.Add(Convert.FromHexString(sent.AsSpan(i + 1, 2))[0]);
                i += 2;
            }
            else
                bytes.AddRange(Encoding.UTF8.GetBytes(sent[i].ToString()));
        }
        try
        {
            return Strict.GetString([.. bytes]);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}
