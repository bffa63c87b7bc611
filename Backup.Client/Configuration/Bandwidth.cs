using Backup.Protocol;

namespace Backup.Client;

/// <summary>How fast content may be sent, as a person writes it: "500 KiB", "2MiB/s", "1.5 MB", always in a second.</summary>
internal static class Bandwidth
{
    public const string Help = "500KiB, 2MiB or 1.5MB, in a second";

    /// <returns>Bytes in a second.</returns>
    /// <exception cref="FailureException">It is none, or too little to keep a connection alive.</exception>
    public static long Parse(string text)
    {
        var words = text.Trim();
        if (words.EndsWith("/s", StringComparison.OrdinalIgnoreCase))
            words = words[..^2];
        if (Sizes.Parse(words) is not { } rate)
            throw Failure.InvalidRequest($"'{RootedPath.Escape(text)}' is no bandwidth: write {Help}.").Exception();
        return rate is >= SendLimit.BytesPerSecondMin and <= SendLimit.BytesPerSecondMax ? (long)rate
            : throw Failure.InvalidRequest($"A bandwidth of '{RootedPath.Escape(text)}' cannot be kept: {Sizes.Bytes(SendLimit.BytesPerSecondMin)} in a second are the least.").Exception();
    }
}
