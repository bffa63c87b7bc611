using System.Runtime.InteropServices;
using Backup.Protocol;
using Microsoft.Win32.SafeHandles;

namespace Backup.Client;

/// <summary>
/// A folder that takes restored files. Nothing is ever written outside it: no symlink is followed beneath it, whether it was
/// there before or was restored a moment ago. A file appears under its name only when it is whole, verified and on disk.
/// </summary>
/// <param name="force">Whether files that exist may be replaced.</param>
/// <param name="keepSetuid">Whether setuid and setgid bits come back; only root may ask for that.</param>
/// <param name="restored">Is told of each version that is in its place.</param>
/// <param name="failed">Is told of each that is not.</param>
internal sealed class RestoreFolder : IRestoreTarget, IDisposable
{
    private const uint PrivateFolder = 0x1C0;
    private const uint PrivateFile = 0x180;
    private const int SetuidAndSetgid = 0xC00;
    private const int PermissionBits = 0xFFF;
    private const int OrdinaryFolder = 0x1ED;

    /// <summary>An fsync takes milliseconds: above this a file gets its own, below many share one of the file system.</summary>
    private const long OwnSyncBytesMin = 4 << 20;

    /// <summary>What a crash may cost: names that had not been given yet. One sync for so many takes less than a second.</summary>
    private const int SettlingMax = 4096;
    private const long SettlingBytesMax = 64 << 20;

    private readonly SafeFileHandle folder;
    private readonly Leftovers leftovers;
    private readonly string fullPath;
    private readonly bool force;
    private readonly int modeMask;
    private readonly Action<FileVersion> restored;
    private readonly Action<FileVersion, Failure> failed;
    private readonly Dictionary<long, Pending> pending = [];

    /// <summary>Folders that get their bits and times at the end, when nothing more is written into them.</summary>
    private readonly SortedDictionary<string, ManifestHead?> folders = new(PathOrder.Instance);

    /// <summary>Small files that are whole and wait to be brought to disk together.</summary>
    private readonly List<(FileVersion Version, string Temporary)> settling = [];
    private long settlingBytes;

    /// <param name="File">Null once it is closed.</param>
    private sealed record Pending(RestoredFile? File, int Parent, string Temporary, string Name);

    public RestoreFolder(string fullPath, bool force, bool keepSetuid, Action<FileVersion> restored, Action<FileVersion, Failure> failed)
    {
        (this.fullPath, this.force, this.restored, this.failed) = (fullPath, force, restored, failed);
        modeMask = keepSetuid && Libc.IsAvailable && Libc.EffectiveUser() == 0 ? PermissionBits : PermissionBits & ~SetuidAndSetgid;
        folder = Open(fullPath);
        leftovers = new Leftovers(folder);
    }

    /// <summary>Whether a file, or symlink, is there as it is stored: a restore that was stopped goes on after it.</summary>
    public bool HasAlready(FileVersion file)
    {
        if (file.Kind is not (VersionKind.File or VersionKind.Symlink))
            return false;
        var parent = FolderWalk.OpenParent(folder, file.Path.Value, out var name, out _);
        if (parent < 0)
            return false;
        var error = FileStat.Of(parent, System.Text.Encoding.UTF8.GetBytes(name + '\0'), out var stat);
        _ = Libc.Close(parent);
        return error == 0 && stat.MtimeNs == file.MtimeNs && stat.SizeBytes == (file.Kind == VersionKind.File ? file.SizeBytes : 0)
            && stat.Kind == (file.Kind == VersionKind.File ? EntryKind.File : EntryKind.Symlink);
    }

    /// <exception cref="FailureException">The name is taken, or a folder on the way is none.</exception>
    public Stream? Begin(FileVersion version, ManifestHead head)
    {
        var path = version.Path.Value;
        var parent = FolderWalk.OpenParent(folder, path, out var name, out var error, PrivateFolder, MadeFolder);
        if (parent < 0)
            throw Blocked(version.Path, error).Exception();
        leftovers.Remove(parent, Path.GetDirectoryName(path)!);
        var kept = false;
        try
        {
            var there = FileStat.Of(parent, System.Text.Encoding.UTF8.GetBytes(name + '\0'), out var stat) == 0;
            if (head.Kind == VersionKind.Folder)
            {
                MakeFolder(parent, name, head, there, stat);
                return null;
            }
            if (there)
                RefuseToReplace(version.Path, stat);
            if (head.Kind != VersionKind.File)
                return null;
            var temporary = Leftovers.NewName();
            var fd = Libc.OpenAt(parent, temporary, Libc.WriteOnly | Libc.Create | Libc.Exclusive | Libc.NoFollow, PrivateFile);
            if (fd < 0)
                throw Local(version.Path, Libc.LastText()).Exception();
            var file = new SafeFileHandle(fd, ownsHandle: true);
            var content = new RestoredFile(file);
            pending[version.Version] = new Pending(content, parent, temporary, name);
            kept = true;
            return content;
        }
        finally
        {
            if (!kept)
                _ = Libc.Close(parent);
        }
    }

    public void Complete(FileVersion version, ManifestHead head)
    {
        try
        {
            if (head.Kind == VersionKind.File && pending.Remove(version.Version, out var file))
            {
                Settle(version, head, file);
                return;
            }
            if (head.Kind == VersionKind.Symlink)
                PlaceSymlink(version.Path, head);
            restored(version);
        }
        catch (FailureException e)
        {
            failed(version, e.Failure);
        }
    }

    public void Failed(FileVersion version, Failure failure)
    {
        if (pending.Remove(version.Version, out var file))
            Discard(file);
        failed(version, failure);
    }

    /// <summary>Gives the folders their bits and times, the deepest first, and brings their names to disk.</summary>
    public void Finish()
    {
        SettleAll();
        foreach (var (path, head) in folders.Reverse())
        {
            var fd = FolderWalk.Open(folder, path, out _);
            if (fd < 0)
                continue;
            using var handle = new SafeFileHandle(fd, ownsHandle: true);
            _ = Libc.Sync(handle);
            _ = Libc.ChangeMode(fd, (uint)(head is { Mode: not 0 } ? head.Mode & modeMask : OrdinaryFolder));
            if (head is not null)
                SetTimes(fd, head.MtimeNs);
        }
        _ = Libc.Sync(folder);
        folders.Clear();
    }

    /// <summary>What was begun and not completed vanishes.</summary>
    public void Dispose()
    {
        foreach (var file in pending.Values)
            Discard(file);
        pending.Clear();
        Finish();
        folder.Dispose();
    }

    private void MadeFolder(string path) => folders.TryAdd(path, null);

    private void MakeFolder(int parent, string name, ManifestHead head, bool there, FileStat stat)
    {
        if (there && stat.Kind != EntryKind.Folder)
            throw new Failure(FailureCode.AlreadyExists, $"'{head.Path.Display}' exists and is no folder.", "client", "Restore into another folder, or move it away.").Exception();
        if (!there && Libc.MakeFolderAt(parent, name, PrivateFolder) != 0)
            throw Local(head.Path, Libc.LastText()).Exception();
        // A folder that was there before belongs to somebody: it keeps its bits unless replacing was asked for.
        if (!there || force || folders.ContainsKey(head.Path.Value))
            folders[head.Path.Value] = head;
    }

    private void RefuseToReplace(RootedPath path, FileStat stat)
    {
        if (stat.Kind == EntryKind.Folder)
            throw new Failure(FailureCode.AlreadyExists, $"'{path.Display}' exists and is a folder.", "client", "Restore into another folder, or move it away.").Exception();
        if (!force)
            throw Exists(path).Exception();
    }

    private void Settle(FileVersion version, ManifestHead head, Pending file)
    {
        var fd = (int)file.File!.Handle.DangerousGetHandle();
        if (head.Mode != 0 && Libc.ChangeMode(fd, (uint)(head.Mode & modeMask)) != 0)
        {
            var why = Libc.LastText();
            Discard(file);
            throw Local(version.Path, why).Exception();
        }
        SetTimes(fd, head.MtimeNs);
        if (version.SizeBytes >= OwnSyncBytesMin)
        {
            Place(version, file, file.File.Sync());
            return;
        }
        Close(file);
        settling.Add((version, file.Temporary));
        settlingBytes += version.SizeBytes;
        if (settling.Count >= SettlingMax || settlingBytes >= SettlingBytesMax)
            SettleAll();
    }

    /// <summary>One sync for all that wait, then each gets its name.</summary>
    private void SettleAll()
    {
        if (settling.Count == 0)
            return;
        var syncError = Libc.SyncFileSystem(folder);
        foreach (var (version, temporary) in settling)
        {
            // Thousands of open parents would be too many: each is found again, by a way on which no link is followed.
            var parent = FolderWalk.OpenParent(folder, version.Path.Value, out var name, out var error);
            if (parent < 0)
                failed(version, Blocked(version.Path, error));
            else
                Place(version, new Pending(null, parent, temporary, name), syncError);
        }
        settling.Clear();
        settlingBytes = 0;
    }

    private void Place(FileVersion version, Pending file, int syncError)
    {
        try
        {
            if (syncError != 0)
                throw Local(version.Path, Libc.Text(syncError)).Exception();
            Rename(version.Path, file.Parent, file.Temporary, file.Name);
            Close(file);
        }
        catch (FailureException e)
        {
            Discard(file);
            failed(version, e.Failure);
            return;
        }
        restored(version);
    }

    private unsafe void PlaceSymlink(RootedPath path, ManifestHead head)
    {
        var parent = FolderWalk.OpenParent(folder, path.Value, out var name, out var error);
        if (parent < 0)
            throw Blocked(path, error).Exception();
        var temporary = Leftovers.NewName();
        try
        {
            if (Libc.SymlinkAt(head.LinkTarget ?? "", parent, temporary) != 0)
                throw Local(path, Libc.LastText()).Exception();
            var times = Times(head.MtimeNs);
            fixed (long* at = times)
                _ = Libc.SetTimesAt(parent, temporary, at, Libc.AtSymlinkNoFollow);
            Rename(path, parent, temporary, name);
        }
        catch
        {
            _ = Libc.UnlinkAt(parent, temporary, 0);
            throw;
        }
        finally
        {
            _ = Libc.Close(parent);
        }
    }

    /// <summary>Gives a whole file its name. Without leave to replace, the system itself refuses to, however late something came there.</summary>
    private void Rename(RootedPath path, int parent, string temporary, string name)
    {
        var done = force ? Libc.RenameAt(parent, temporary, parent, name) : Libc.RenameAt2(parent, temporary, parent, name, Libc.RenameNoReplace);
        var error = done == 0 ? 0 : Marshal.GetLastPInvokeError();
        if (error == Libc.Invalid && !force)
        {
            // A file system without that flag: a hard link does not replace either.
            error = Libc.LinkAt(parent, temporary, parent, name, 0) == 0 ? 0 : Marshal.GetLastPInvokeError();
            if (error == 0)
                _ = Libc.UnlinkAt(parent, temporary, 0);
        }
        if (error != 0)
            throw (error == Libc.Exists ? Exists(path) : Local(path, Libc.Text(error))).Exception();
    }

    private static unsafe void SetTimes(int fd, long mtimeNs)
    {
        // A file system that cannot express the time keeps the nearest; that is no reason to withhold the content.
        fixed (long* at = Times(mtimeNs))
            _ = Libc.SetTimes(fd, at);
    }

    private static long[] Times(long mtimeNs)
    {
        var (seconds, nanoseconds) = UnixTime.Split(mtimeNs);
        return [seconds, nanoseconds, seconds, nanoseconds];
    }

    private static void Discard(Pending file)
    {
        _ = Libc.UnlinkAt(file.Parent, file.Temporary, 0);
        Close(file);
    }

    private static void Close(Pending file)
    {
        file.File?.Handle.Dispose();
        _ = Libc.Close(file.Parent);
    }

    private static SafeFileHandle Open(string fullPath)
    {
        if (!Libc.IsAvailable)
            throw new Failure(FailureCode.LocalFailed, "Restoring into a folder needs Linux on x64 or arm64.", "client", "Use `cat PATH > FILE` here.").Exception();
        if (Path.GetDirectoryName(fullPath) is null)
            throw new Failure(FailureCode.InvalidRequest, "Nothing is restored into the root of the file system.", "client", "Name a folder with --to DIR and move files from there.").Exception();
        try
        {
            Directory.CreateDirectory(fullPath);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unusable(fullPath, e.Message.TrimEnd('.')).Exception(e);
        }
        var fd = Libc.OpenAt(Libc.AtCurrentFolder, fullPath, Libc.ReadOnly | Libc.Directory);
        return fd >= 0 ? new SafeFileHandle(fd, ownsHandle: true) : throw Unusable(fullPath, Libc.LastText()).Exception();
    }

    private static Failure Unusable(string folder, string why) => new(FailureCode.LocalFailed,
        $"'{RootedPath.Escape(folder)}' cannot take files: {why}.", "client", "Name another folder with --to DIR.");

    private Failure Exists(RootedPath path) => new(FailureCode.AlreadyExists,
        $"'{RootedPath.Escape(Path.Join(fullPath, path.Value))}' exists.", "client", "It was left as it is; pass --force to replace it, or restore into another folder.");

    private Failure Blocked(RootedPath path, int error) => error is Libc.NotDirectory or Libc.Loop
        ? new Failure(FailureCode.LocalFailed, $"'{path.Display}' would go through something in '{RootedPath.Escape(fullPath)}' that is no folder.", "client",
            "Nothing is written through symlinks or files; restore into another folder, or move it away.")
        : Local(path, Libc.Text(error));

    private static Failure Local(RootedPath path, string why) => new(FailureCode.LocalFailed,
        $"'{path.Display}' cannot be written: {why}.", "client", "Check the free space and the permissions there.");
}
