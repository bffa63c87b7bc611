using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Backup.Storage.Packs;

/// <summary>
/// fsync with its errors. .NET's own (<c>FlushToDisk</c>, <c>Flush(true)</c>) return normally when the disk refused,
/// and an acknowledgement given then would be a lie. After a failure nothing may be retried: Linux marks the pages clean.
/// </summary>
public static partial class Fsync
{
    private const int OpenCloseOnExec = 0x80000; // O_CLOEXEC
    private const int Interrupted = 4; // EINTR
    private const int AdviseDontNeed = 4; // POSIX_FADV_DONTNEED

    /// <summary>O_DIRECTORY, which differs between the architectures.</summary>
    private static readonly int OpenDirectory = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x4000 : 0x10000;

    /// <summary>Returns when all that was written to this file is on the disk.</summary>
    /// <exception cref="IOException">The disk refused; <see cref="Exception.HResult"/> is the errno.</exception>
    public static void File(SafeFileHandle file)
    {
        while (FsyncNative(file) != 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            if (errno != Interrupted)
                throw Error("fsync", errno);
        }
    }

    /// <summary>Returns when the names in this directory are on the disk. A new file's content is safe only together with its name.</summary>
    public static void Directory(string path)
    {
        // File.OpenHandle refuses directories.
        using var directory = OpenNative(path, OpenDirectory | OpenCloseOnExec);
        if (directory.IsInvalid)
            throw Error("open", Marshal.GetLastPInvokeError());
        File(directory);
    }

    /// <summary>
    /// Drops what is on the disk of a file's bytes from the system's cache: the next read asks the disk, and the memory is free
    /// for what comes next. After a failed fsync the cache may hold what the disk does not, and only this shows it. Advice: where it is
    /// not taken, nothing is lost but that.
    /// </summary>
    /// <param name="offset">In bytes. Of the page that it lies in all is dropped that is on the disk.</param>
    /// <param name="bytes">0 means up to the end. A last page that is meant in part stays.</param>
    public static void ForgetCached(SafeFileHandle file, long offset, long bytes)
    {
        if (!OperatingSystem.IsLinux())
            return;
        var intoPage = offset % Environment.SystemPageSize;
        _ = AdviseNative(file, offset - intoPage, bytes == 0 ? 0 : intoPage + bytes, AdviseDontNeed);
    }

    private static IOException Error(string call, int errno) => new($"{call} failed: {new Win32Exception(errno).Message}", errno);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FsyncNative(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle OpenNative(string path, int flags);

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    private static partial int AdviseNative(SafeFileHandle file, long offset, long length, int advice);
}
