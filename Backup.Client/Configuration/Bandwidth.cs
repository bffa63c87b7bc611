using System.Globalization;
using Backup.Protocol;

namespace Backup.Client;

/// <summary>How fast content may be sent, as a person writes it: "500 KiB", "2MiB/s", "1.5 MB", always in a second.</summary>
internal static class Bandwidth
{
    public const string Help = "500KiB, 2MiB or 1.5MB, in a second";

    private static readonly (string Unit, long Bytes)[] Units =
    [
        ("KIB", 1L << 10), ("MIB", 1L << 20), ("GIB", 1L << 30), ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("K", 1L << 10), ("M", 1L << 20), ("G", 1L << 30), ("B", 1),
    ];

    /// <returns>Bytes in a second.</returns>
    /// <exception cref="FailureException">It is none, or too little to keep a connection alive.</exception>
    public static long Parse(string text)
    {
        var words = text.Trim().ToUpperInvariant();
        if (words.EndsWith("/S", StringComparison.Ordinal))
            words = words[..^2].TrimEnd();
        var (unit, bytes) = Array.Find(Units, unit => words.EndsWith(unit.Unit, StringComparison.Ordinal));
        if (unit is null || !double.TryParse(words[..^unit.Length].TrimEnd(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var count))
            throw Failure.InvalidRequest($"'{RootedPath.Escape(text)}' is no bandwidth: write {Help}.").Exception();
        var rate = count * bytes;
        return rate is >= SendLimit.BytesPerSecondMin and <= SendLimit.BytesPerSecondMax ? (long)rate
            : throw Failure.InvalidRequest($"A bandwidth of '{RootedPath.Escape(text)}' cannot be kept: {Sizes.Bytes(SendLimit.BytesPerSecondMin)} in a second are the least.").Exception();
    }
}
