using Backup.Protocol;

namespace Backup.Client;

/// <summary>A name in a folder and what it stands for.</summary>
/// <param name="Wrong">Why nothing can be said of it; null when all is well.</param>
internal readonly record struct FolderEntry(string Name, FileStat Stat, Failure? Wrong);

/// <summary>
/// The folder whose files belong to one client. Whatever is asked of it stays beneath it: no symlink is followed in any part
/// of a path, so that a parent swapped for a link cannot lead outside. Safe for use by several threads.
/// </summary>
internal abstract class RootDirectory(string fullPath) : IDisposable
{
    public string FullPath { get; } = fullPath;

    /// <exception cref="FailureException">It is not there, is no folder or may not be read.</exception>
    public static RootDirectory Open(string fullPath) =>
        Libc.IsAvailable ? new LinuxRootDirectory(fullPath) : new PortableRootDirectory(fullPath);

    /// <summary>What is in a folder, in no order; the empty path means the root itself.</summary>
    /// <exception cref="FailureException">It cannot be read; the message says why.</exception>
    public abstract List<FolderEntry> Read(string folder);

    /// <summary>What a path stands for; null when there is nothing, or only by way of a symlink.</summary>
    /// <exception cref="FailureException">A folder on the way may not be searched.</exception>
    public abstract FileStat? Stat(RootedPath path);

    /// <exception cref="FailureException">It is no symlink, or one that cannot be kept.</exception>
    public abstract string ReadLink(RootedPath path);

    /// <summary>Opens a file to be read once from start to end.</summary>
    /// <param name="changed">Is called when the file is not, or does not stay, as expected.</param>
    /// <exception cref="IOException">It vanished, is a file no longer or may not be read.</exception>
    public abstract Stream OpenFile(RootedPath path, FileStat expected, Action changed);

    public abstract void Dispose();
}
