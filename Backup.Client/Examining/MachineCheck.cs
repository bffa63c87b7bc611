using System.Globalization;
using Backup.Protocol;

namespace Backup.Client;

/// <summary>Looks at what the client needs of the machine it runs on.</summary>
internal static class MachineCheck
{
    private const string Area = "machine";

    /// <summary>The catalogue, and a batch of fetched files, need room: some hundred bytes for each file of the root.</summary>
    private const long FreeBytesMin = 256 << 20;

    /// <summary>The kernel's old default. A root with more folders than that cannot be watched whole.</summary>
    private const long WatchesMin = 8192;

    public static IEnumerable<Finding> Find(Surroundings surroundings)
    {
        yield return Libc.IsAvailable ? Finding.Fine(Area, "system", "Linux: files are reached without following links, restores are possible")
            : new Finding(Area, "system", FindingState.Notice, "not Linux on x64 or arm64: backups work, restores into folders do not", "Restore on Linux, or use `cat PATH > FILE`.");
        foreach (var (name, folder) in new[] { ("configuration", UserFolders.Configuration(surroundings)), ("cache", UserFolders.Cache(surroundings)), ("state", UserFolders.State(surroundings)) })
            yield return Folder(name, folder);
        if (OperatingSystem.IsLinux())
            yield return Watches();
    }

    private static Finding Folder(string name, string folder)
    {
        try
        {
            PrivateFile.MakeFolder(folder);
            var probe = Path.Join(folder, $".doctor-{Environment.ProcessId}");
            File.WriteAllText(probe, "");
            File.Delete(probe);
            var free = new DriveInfo(folder).AvailableFreeSpace;
            return free >= FreeBytesMin ? Finding.Fine(Area, name, $"{folder} is writable, {Sizes.Bytes(free)} free")
                : new Finding(Area, name, FindingState.Notice, $"{folder} has {Sizes.Bytes(free)} free", "Make room: a large root needs some hundred bytes for each file there.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FailureException or ArgumentException)
        {
            return new Finding(Area, name, FindingState.Wrong, $"{folder} cannot be written: {(e as FailureException)?.Failure.Message ?? e.Message}",
                "Make it writable, or set XDG_CONFIG_HOME, XDG_CACHE_HOME and XDG_STATE_HOME.");
        }
    }

    private static Finding Watches()
    {
        const string limit = "/proc/sys/fs/inotify/max_user_watches";
        try
        {
            var watches = long.Parse(File.ReadAllText(limit), CultureInfo.InvariantCulture);
            return watches > WatchesMin ? Finding.Fine(Area, "inotify", $"{watches} folders can be watched")
                : new Finding(Area, "inotify", FindingState.Notice, $"only {watches} folders can be watched: `watch` falls back to looking now and then in a larger root",
                    "As root: sysctl fs.inotify.max_user_watches=524288, and the same in /etc/sysctl.d.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or OverflowException)
        {
            return new Finding(Area, "inotify", FindingState.Notice, $"{limit} cannot be read: {e.Message}", "`watch` looks now and then if it cannot be told of changes.");
        }
    }
}
