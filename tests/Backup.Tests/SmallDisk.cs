using System.Diagnostics;

namespace Backup.Tests;

/// <summary>A file system of its own in memory, which root mounts: small enough to be filled to the last byte.</summary>
internal static class SmallDisk
{
    public static void SkipUnlessRoot() => Skip.IfNot(OperatingSystem.IsLinux() && Environment.UserName == "root", "Mounting a small file system needs root.");

    public static Task MountAsync(string folder) => RunAsync("mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", folder);

    public static Task UnmountAsync(string folder) => RunAsync("umount", "-l", folder);

    /// <summary>Writes a file until nothing more fits.</summary>
    public static void Fill(string path)
    {
        using var file = File.OpenHandle(path, FileMode.Create, FileAccess.Write);
        var block = new byte[4096];
        try
        {
            for (var at = 0L; ; at += block.Length)
                RandomAccess.Write(file, block, at);
        }
        catch (IOException)
        {
            // Full, to the last block.
        }
    }

    public static async Task RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }
}
