using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Backup.Client;

/// <summary>
/// Temporary files of a restore into the same folder that was killed. Each restore holds a shared lock on its folder; one that had it
/// alone for a moment knows that what was begun before is nobody's any more.
/// </summary>
internal sealed class Leftovers
{
    private const string Suffix = ".restoring";
    private const int TimeDigits = 12;

    /// <summary>What is older is nobody's, in milliseconds; null where another restore was at work already.</summary>
    private readonly long? sinceMs;

    private readonly HashSet<string> swept = new(StringComparer.Ordinal);

    /// <param name="folder">Closing it, as the end of the process does, gives the lock back.</param>
    public Leftovers(SafeFileHandle folder)
    {
        if (Libc.TryLock(folder, alone: true))
            sinceMs = TimeOf(NewName());
        _ = Libc.TryLock(folder, alone: false);
    }

    /// <summary>A name for a file that is not whole yet. The time when it was begun is in it.</summary>
    public static string NewName() => $".{Guid.CreateVersion7():N}{Suffix}";

    /// <summary>Removes them from a folder, the first time that something is restored into it.</summary>
    /// <param name="folder">Open.</param>
    /// <param name="path">What it is called, so that it is looked through once.</param>
    public void Remove(int folder, string path)
    {
        if (sinceMs is null || !swept.Add(path))
            return;
        try
        {
            foreach (var entry in Directory.GetFileSystemEntries(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{folder}"), $".*{Suffix}"))
            {
                var name = Path.GetFileName(entry);
                if (TimeOf(name) < sinceMs)
                    _ = Libc.UnlinkAt(folder, name, 0);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A folder that cannot be listed can still take files.
        }
    }

    /// <returns>Null when it is no name of ours.</returns>
    private static long? TimeOf(string name) =>
        name.Length == 33 + Suffix.Length && Guid.TryParseExact(name.AsSpan(1, 32), "N", out _) && long.TryParse(name.AsSpan(1, TimeDigits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var ms) ? ms : null;
}
