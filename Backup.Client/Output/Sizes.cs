using System.Globalization;
using Backup.Protocol;

namespace Backup.Client;

/// <summary>Numbers as a person reads them.</summary>
internal static class Sizes
{
    private static readonly string[] Units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

    private static readonly (string Unit, long Bytes)[] Written =
    [
        ("KIB", 1L << 10), ("MIB", 1L << 20), ("GIB", 1L << 30), ("TIB", 1L << 40), ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000),
        ("K", 1L << 10), ("M", 1L << 20), ("G", 1L << 30), ("T", 1L << 40), ("B", 1),
    ];

    /// <summary>Bytes as a person writes them: "500 KiB", "2MiB", "1.5 MB"; null for what is no such number.</summary>
    public static double? Parse(string text)
    {
        var words = text.Trim().ToUpperInvariant();
        var (unit, bytes) = Array.Find(Written, unit => words.EndsWith(unit.Unit, StringComparison.Ordinal));
        return unit is not null && double.TryParse(words[..^unit.Length].TrimEnd(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var count) ? count * bytes : null;
    }

    /// <summary>"0 B", "1.5 KiB", "12 MiB": two digits that matter.</summary>
    public static string Bytes(long bytes)
    {
        double value = bytes;
        var unit = 0;
        for (; Math.Abs(value) >= 1024 && unit < Units.Length - 1; unit++)
            value /= 1024;
        return unit == 0 || value >= 10 ? string.Create(CultureInfo.InvariantCulture, $"{value:0} {Units[unit]}")
            : string.Create(CultureInfo.InvariantCulture, $"{value:0.0} {Units[unit]}");
    }

    public static string Count(long count, string one, string? many = null) => count == 1 ? $"1 {one}" : $"{count} {many ?? one + "s"}";

    /// <summary>"3 files", "3 files and 1 folder": folders are never counted as files, and not mentioned where there are none.</summary>
    public static string FilesAndFolders(long files, long folders) =>
        Count(files, "file") + (folders > 0 ? $" and {Count(folders, "folder")}" : "");

    /// <summary>"0.4 s", "12 s", "3 min 20 s", "2 h 5 min".</summary>
    public static string Time(TimeSpan time) => time.TotalSeconds < 10 ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.0} s")
        : time.TotalMinutes < 1 ? $"{(int)time.TotalSeconds} s"
        : time.TotalHours < 1 ? $"{(int)time.TotalMinutes} min {time.Seconds} s"
        : $"{(int)time.TotalHours} h {time.Minutes} min";

    /// <summary>"0644", as chmod takes it.</summary>
    public static string Mode(int mode) => mode == 0 ? "" : Convert.ToString(mode, 8).PadLeft(4, '0');

    /// <summary>A stored name with a mark of what it is, safe on a terminal.</summary>
    public static string Name(RootedPath path, VersionKind kind) => kind switch
    {
        VersionKind.Folder => path.Display + "/",
        VersionKind.Symlink => path.Display + "@",
        _ => path.Display,
    };
}
