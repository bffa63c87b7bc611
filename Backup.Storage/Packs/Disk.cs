using Microsoft.Win32.SafeHandles;

namespace Backup.Storage.Packs;

/// <summary>
/// All that a node does to the files of its data directory, but for the index, which SQLite writes and which is made anew from
/// the packs. A fault seam: the fault tests put a disk in its place that forgets at a crash what was not synced, that is full,
/// or that cannot read. What is promised: bytes are safe once <see cref="Sync"/> has returned, names (made, moved, deleted)
/// once <see cref="SyncDirectory"/> has; until then each may be lost without the others.
/// </summary>
public class Disk
{
    /// <summary>The machine's.</summary>
    public static readonly Disk Real = new();

    public virtual SafeFileHandle Open(string path, FileMode mode, FileAccess access, FileOptions options = FileOptions.None) =>
        File.OpenHandle(path, mode, access, FileShare.ReadWrite | FileShare.Delete, options);

    public virtual void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset) => RandomAccess.Write(file, bytes, offset);

    /// <returns>How many bytes were read, 0 at the end of the file.</returns>
    public virtual int Read(SafeFileHandle file, Span<byte> to, long offset) => RandomAccess.Read(file, to, offset);

    /// <inheritdoc cref="Read"/>
    public virtual ValueTask<int> ReadAsync(SafeFileHandle file, Memory<byte> to, long offset, CancellationToken ct) =>
        RandomAccess.ReadAsync(file, to, offset, ct);

    /// <inheritdoc cref="Fsync.File"/>
    public virtual void Sync(SafeFileHandle file) => Fsync.File(file);

    /// <inheritdoc cref="Fsync.ForgetCached"/>
    public virtual void ForgetCached(SafeFileHandle file, long offset = 0, long bytes = 0) => Fsync.ForgetCached(file, offset, bytes);

    /// <inheritdoc cref="Fsync.Directory"/>
    public virtual void SyncDirectory(string path) => Fsync.Directory(path);

    /// <summary>Puts a file in the place of another, or of none.</summary>
    public virtual void Move(string from, string to) => File.Move(from, to, overwrite: true);

    public virtual void Delete(string path) => File.Delete(path);

    /// <summary>What the file system of this directory has free, and has at all.</summary>
    public virtual (long FreeBytes, long TotalBytes) Space(string directory)
    {
        var drive = new DriveInfo(directory);
        return (drive.AvailableFreeSpace, drive.TotalSize);
    }
}
