using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Backup.Client;

/// <summary>
/// The system calls that .NET does not offer: relative to an open folder, so that nobody can swap a parent in between,
/// with ctime and inode, and an fsync that reports its error. Constants are Linux's on x64 and arm64.
/// </summary>
internal static unsafe partial class Libc
{
    public const int AtCurrentFolder = -100;
    public const int ReadOnly = 0;
    public const int WriteOnly = 1;
    public const int ReadWrite = 2;
    public const int Create = 0x40;
    public const int Exclusive = 0x80;
    public const int NonBlocking = 0x800;
    public const int CloseOnExec = 0x80000;

    // These two differ between the architectures.
    public static readonly int Directory = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x4000 : 0x10000;
    public static readonly int NoFollow = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x8000 : 0x20000;

    public const int AtSymlinkNoFollow = 0x100;
    public const int AtRemoveFolder = 0x200;
    public const int AtEmptyPath = 0x1000;
    public const uint RenameNoReplace = 1;

    public const int NoEntry = 2;
    public const int Interrupted = 4;
    public const int AccessDenied = 13;
    public const int Exists = 17;
    public const int NotDirectory = 20;
    public const int IsDirectory = 21;
    public const int Invalid = 22;
    public const int NameTooLong = 36;
    public const int NotImplemented = 38;
    public const int NotEmpty = 39;
    public const int Loop = 40;

    public static bool IsAvailable { get; } = OperatingSystem.IsLinux()
        && RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.Arm64;

    /// <summary>What the system says of the last error, as a person reads it: "Permission denied".</summary>
    public static string Text(int error) => new Win32Exception(error).Message;

    public static string LastText() => Text(Marshal.GetLastPInvokeError());

    /// <summary>Opens relative to an open folder; −1 means <see cref="Marshal.GetLastPInvokeError"/>.</summary>
    public static int OpenAt(int folder, string name, int flags, uint mode = 0)
    {
        int fd;
        do
        {
            fd = openat(folder, name, flags | CloseOnExec, mode);
        }
        while (fd < 0 && Marshal.GetLastPInvokeError() == Interrupted);
        return fd;
    }

    /// <summary>
    /// Opens a path of several components beneath an open folder, following no link on the way. −1 means that it failed, perhaps only
    /// because the kernel is older than 5.6, or a sandbox does not know the call.
    /// </summary>
    public static int OpenBeneath(SafeHandle folder, string path, int flags)
    {
        const nint openAt2 = 437;
        const ulong noSymlinks = 4, beneath = 8;
        // struct open_how: flags, mode, resolve.
        var how = stackalloc ulong[] { (uint)(flags | CloseOnExec), 0, noSymlinks | beneath };
        var fd = (int)Syscall(openAt2, folder.DangerousGetHandle(), path, how, 3 * sizeof(ulong));
        GC.KeepAlive(folder);
        return fd;
    }

    /// <summary>Empties the file's, or folder's, buffers to disk. Zero, or the error.</summary>
    public static int Sync(SafeFileHandle file)
    {
        while (fsync(file) != 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (error != Interrupted)
                return error;
        }
        return 0;
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int openat(int folder, string path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsync(SafeFileHandle file);

    /// <summary>Empties all buffers of the file system on which the folder lies. Zero, or the error.</summary>
    public static int SyncFileSystem(SafeFileHandle folder) => syncfs(folder) == 0 ? 0 : Marshal.GetLastPInvokeError();

    /// <summary>Has the system begin to write a range to disk, and waits for nothing. A hint: where it fails, the sync does it all.</summary>
    public static void StartWriteback(SafeFileHandle file, long offset, long bytes)
    {
        const uint write = 2;
        _ = sync_file_range(file, offset, bytes, write);
    }

    /// <summary>Lets go of the system's copy in memory of what is on disk. A hint.</summary>
    public static void ForgetCached(SafeFileHandle file, long offset, long bytes)
    {
        const int dontNeed = 4;
        _ = posix_fadvise(file, offset, bytes, dontNeed);
    }

    /// <summary>Locks an open file or folder, or changes the lock it has, as long as it is open. Waits for nobody.</summary>
    /// <param name="alone">Else any number may hold it so.</param>
    public static bool TryLock(SafeFileHandle file, bool alone)
    {
        const int shared = 1, exclusive = 2, noWait = 4;
        return flock(file, (alone ? exclusive : shared) | noWait) == 0;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int flock(SafeFileHandle file, int operation);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int syncfs(SafeFileHandle folder);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int sync_file_range(SafeFileHandle file, long offset, long bytes, uint flags);

    [LibraryImport("libc")]
    private static partial int posix_fadvise(SafeFileHandle file, long offset, long bytes, int advice);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int fd);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true)]
    public static partial int Statx(int folder, byte* path, int flags, uint mask, byte* result);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    public static partial nint Syscall(nint number, nint fd, byte* buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint Syscall(nint number, nint fd, string path, ulong* argument, nuint length);

    [LibraryImport("libc", EntryPoint = "readlinkat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint ReadLinkAt(int folder, string path, byte* buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "mkdirat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int MakeFolderAt(int folder, string path, uint mode);

    [LibraryImport("libc", EntryPoint = "unlinkat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int UnlinkAt(int folder, string path, int flags);

    [LibraryImport("libc", EntryPoint = "symlinkat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int SymlinkAt(string target, int folder, string path);

    [LibraryImport("libc", EntryPoint = "renameat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int RenameAt(int fromFolder, string from, int toFolder, string to);

    [LibraryImport("libc", EntryPoint = "renameat2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int RenameAt2(int fromFolder, string from, int toFolder, string to, uint flags);

    [LibraryImport("libc", EntryPoint = "linkat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int LinkAt(int fromFolder, string from, int toFolder, string to, int flags);

    [LibraryImport("libc", EntryPoint = "fchmod", SetLastError = true)]
    public static partial int ChangeMode(int fd, uint mode);

    /// <param name="times">Access time and modification time: seconds, nanoseconds, seconds, nanoseconds.</param>
    [LibraryImport("libc", EntryPoint = "futimens", SetLastError = true)]
    public static partial int SetTimes(int fd, long* times);

    [LibraryImport("libc", EntryPoint = "utimensat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int SetTimesAt(int folder, string path, long* times, int flags);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    public static partial uint EffectiveUser();
}
