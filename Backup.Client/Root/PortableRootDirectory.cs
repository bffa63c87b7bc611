using Backup.Protocol;

namespace Backup.Client;

/// <summary>
/// The root where Linux's calls are missing: no ctime and no inode, and links are looked for before a path is used, which
/// leaves a moment in which one could be put there.
/// </summary>
internal sealed class PortableRootDirectory : RootDirectory
{
    public PortableRootDirectory(string fullPath) : base(fullPath)
    {
        if (!Directory.Exists(fullPath))
            throw SourceFailures.NoRoot(fullPath, "there is no such folder").Exception();
    }

    public override void Dispose()
    {
    }

    public override List<FolderEntry> Read(string folder)
    {
        try
        {
            var entries = new List<FolderEntry>();
            foreach (var info in new DirectoryInfo(Full(folder)).EnumerateFileSystemInfos("*", new EnumerationOptions { AttributesToSkip = 0, IgnoreInaccessible = false }))
                entries.Add(new FolderEntry(info.Name, Of(info), null));
            return entries;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw SourceFailures.Unreadable(folder.Length == 0 ? FullPath : folder, e.Message.TrimEnd('.')).Exception(e);
        }
    }

    public override FileStat? Stat(RootedPath path)
    {
        var (at, parts) = (FullPath, path.Value.Split('/'));
        for (var i = 0; i < parts.Length; i++)
        {
            at = Path.Join(at, parts[i]);
            var info = Info(at);
            if (!info.Exists && info.LinkTarget is null)
                return null;
            if (i == parts.Length - 1)
                return Of(info);
            if (info.LinkTarget is not null)
                return null;
        }
        return null;
    }

    public override string ReadLink(RootedPath path) =>
        Info(Full(path.Value)).LinkTarget ?? throw SourceFailures.Unreadable(path.Value, "it is no symlink any more").Exception();

    public override Stream OpenFile(RootedPath path, FileStat expected, Action changed)
    {
        var stat = Stat(path) ?? throw new IOException("it vanished");
        if (stat.Kind != EntryKind.File)
            throw new IOException($"it has become a {stat.Kind}");
        if (!stat.IsSameAs(expected))
            changed();
        return new SourceStream(File.OpenHandle(Full(path.Value), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete), stat, changed);
    }

    private string Full(string path) => Path.Join(FullPath, path);

    private static FileSystemInfo Info(string full) => Directory.Exists(full) ? new DirectoryInfo(full) : new FileInfo(full);

    private static FileStat Of(FileSystemInfo info) => new(
        info.LinkTarget is not null ? EntryKind.Symlink : info is DirectoryInfo ? EntryKind.Folder
            : (info.Attributes & FileAttributes.Device) != 0 ? EntryKind.Special : EntryKind.File,
        info is FileInfo { LinkTarget: null } file ? file.Length : 0,
        UnixTime.Nanoseconds(new DateTimeOffset(info.LastWriteTimeUtc, TimeSpan.Zero)), 0, 0,
        OperatingSystem.IsWindows() ? 0 : (int)info.UnixFileMode, "special file");
}
