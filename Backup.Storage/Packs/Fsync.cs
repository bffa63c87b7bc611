using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Backup.Storage.Packs;

/// <summary>
/// fsync whose result is looked at. .NET's own (FileStream.Flush(true), RandomAccess.FlushToDisk) returns normally when the
/// kernel reports EIO or ENOSPC, so that a write which never reached the disk would be acknowledged.
/// </summary>
internal static partial class Fsync
{
    private const int ReadOnlyDirectory = 0x10000; // O_RDONLY | O_DIRECTORY

    /// <exception cref="IOException">The kernel could not make the file durable. What was not durable before may be lost: never try again, and never trust the file's cached pages.</exception>
    public static void File(SafeFileHandle file, string path)
    {
        if (OperatingSystem.IsWindows())
            FlushElsewhere(file);
        else if (fsync(file) != 0)
            throw Error(path);
    }

    /// <summary>Makes the names in a directory durable: a file's own fsync does not.</summary>
    public static void Directory(string path)
    {
        if (OperatingSystem.IsWindows())
            return; // NTFS journals names by itself.
        using var directory = open(path, OperatingSystem.IsLinux() ? ReadOnlyDirectory : 0);
        if (directory.IsInvalid || fsync(directory) != 0)
            throw Error(path);
    }

    private static IOException Error(string path)
    {
        var errno = Marshal.GetLastPInvokeError();
        return new IOException($"fsync of {path} failed: {Marshal.GetPInvokeErrorMessage(errno)}", errno);
    }

#pragma warning disable RS0030 // The one place where .NET's own is right: Windows reports its errors.
    private static void FlushElsewhere(SafeFileHandle file) => RandomAccess.FlushToDisk(file);
#pragma warning restore RS0030

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsync(SafeFileHandle fd);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle open(string path, int flags);
}
