using System.Globalization;
using System.Text.RegularExpressions;

namespace Backup.Storage.Packs;

/// <summary>The names in a data directory.</summary>
internal static partial class PackFiles
{
    public static string Folder(string directory) => Path.Combine(directory, "packs");

    public static string Pack(string directory, int number) =>
        Path.Combine(Folder(directory), number.ToString("D8", CultureInfo.InvariantCulture) + ".pack");

    /// <summary>The numbers of the packs there are, ascending. Other files are nobody's.</summary>
    public static int[] List(string directory)
    {
        if (!Directory.Exists(Folder(directory)))
            return [];
        return Directory.EnumerateFiles(Folder(directory))
            .Select(path => Name().Match(Path.GetFileName(path)))
            .Where(match => match.Success)
            .Select(match => int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture))
            .Where(number => number > 0)
            .Order()
            .ToArray();
    }

    [GeneratedRegex(@"^(\d{8})\.pack$", RegexOptions.CultureInvariant)]
    private static partial Regex Name();
}
