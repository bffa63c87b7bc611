using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Backup.Storage.Salvage;

/// <summary>
/// A folder held open, in which names are made one component at a time and no symlink is ever followed: whatever a
/// manifest says, and whatever was written before it, nothing lands outside. Paths may be longer than the system's limit.
/// </summary>
internal sealed partial class AnchoredFolder : IDisposable
{
    private const int WriteOnly = 1, Create = 0x40, Exclusive = 0x80, IsDirectory = 0x10000, NoFollow = 0x20000, CloseOnExec = 0x80000;
    private const int SymlinkNoFollow = 0x100; // AT_SYMLINK_NOFOLLOW
    private const int Exists = 17; // EEXIST

    /// <summary>rwxr-xr-x less the umask, until a folder's own version says otherwise.</summary>
    private const int FolderMode = 0x1ED;

    /// <summary>rw-------: nobody else reads a file before its mode is known.</summary>
    private const int FileMode = 0x180;

    /// <summary>The permission bits; set-user-id and its kin are not given to files of unknown owners.</summary>
    private const int PermissionBits = 0x1FF;

    private readonly SafeFileHandle folder;

    private AnchoredFolder(SafeFileHandle folder) => this.folder = folder;

    public static AnchoredFolder Open(string path)
    {
        var opened = OpenNative(path, IsDirectory | CloseOnExec);
        return opened.IsInvalid ? throw Error(path) : new AnchoredFolder(opened);
    }

    /// <summary>The folder of this name, made when it is not there.</summary>
    public AnchoredFolder Enter(string name)
    {
        if (MakeFolderNative(folder, name, FolderMode) != 0 && Marshal.GetLastPInvokeError() != Exists)
            throw Error(name);
        var opened = OpenAtNative(folder, name, IsDirectory | NoFollow | CloseOnExec, 0);
        return opened.IsInvalid ? throw Error(name) : new AnchoredFolder(opened);
    }

    /// <summary>The folder of this path below, or this folder a second time where there are no names.</summary>
    public AnchoredFolder Enter(IEnumerable<string> names)
    {
        var at = Enter(".");
        foreach (var name in names)
        {
            using var parent = at;
            at = parent.Enter(name);
        }
        return at;
    }

    public SafeFileHandle CreateFile(string name)
    {
        var file = OpenAtNative(folder, name, WriteOnly | Create | Exclusive | NoFollow | CloseOnExec, FileMode);
        return file.IsInvalid ? throw Error(name) : file;
    }

    public void CreateSymlink(string name, string target) => Check(SymlinkNative(target, folder, name), name);

    /// <summary>Gives a file or symlink of another folder a second name here.</summary>
    public void Link(AnchoredFolder from, string name) => Check(LinkNative(from.folder, name, folder, name, 0), name);

    public void Delete(string name) => Check(UnlinkNative(folder, name, 0), name);

    public static void SetMode(SafeFileHandle file, int mode) => Check(ChangeModeNative(file, mode & PermissionBits), "mode");

    public void SetMode(int mode) => SetMode(folder, mode);

    /// <summary>The modification time of what bears this name, of the symlink itself where it is one.</summary>
    public void SetTime(string name, long mtimeNs)
    {
        var time = new Time { Seconds = Math.DivRem(mtimeNs, 1_000_000_000, out var rest), Nanoseconds = rest };
        if (rest < 0)
            time = new Time { Seconds = time.Seconds - 1, Nanoseconds = rest + 1_000_000_000 };
        Check(TimesNative(folder, name, [time, time], SymlinkNoFollow), name);
    }

    public void Dispose() => folder.Dispose();

    private static void Check(int result, string name)
    {
        if (result != 0)
            throw Error(name);
    }

    private static IOException Error(string name)
    {
        var errno = Marshal.GetLastPInvokeError();
        return new IOException($"'{Protocol.RootedPath.Escape(name)}': {new Win32Exception(errno).Message}", errno);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Time
    {
        public long Seconds;
        public long Nanoseconds;
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle OpenNative(string path, int flags);

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle OpenAtNative(SafeFileHandle folder, string name, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "mkdirat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MakeFolderNative(SafeFileHandle folder, string name, int mode);

    [LibraryImport("libc", EntryPoint = "symlinkat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SymlinkNative(string target, SafeFileHandle folder, string name);

    [LibraryImport("libc", EntryPoint = "linkat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int LinkNative(SafeFileHandle from, string fromName, SafeFileHandle to, string toName, int flags);

    [LibraryImport("libc", EntryPoint = "unlinkat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int UnlinkNative(SafeFileHandle folder, string name, int flags);

    [LibraryImport("libc", EntryPoint = "fchmod", SetLastError = true)]
    private static partial int ChangeModeNative(SafeFileHandle file, int mode);

    [LibraryImport("libc", EntryPoint = "utimensat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int TimesNative(SafeFileHandle folder, string name, [In] Time[] times, int flags);
}
