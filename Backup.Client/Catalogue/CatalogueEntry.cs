using Backup.Protocol;

namespace Backup.Client;

/// <summary>What is known of a file: how it looked in the root when it was read, and the version that holds it.</summary>
/// <param name="CtimeNs">0 where it is not known, as in what the cluster lists.</param>
/// <param name="Inode">0 where it is not known.</param>
/// <param name="Version">0 for a file that is yet to be backed up.</param>
/// <param name="Racy">It had been touched so shortly before it was read that its times would not show another change.</param>
internal sealed record CatalogueEntry(
    RootedPath Path, VersionKind Kind, long SizeBytes, long MtimeNs, long CtimeNs, ulong Inode, int Mode, long Version, ChunkId Digest, bool Racy = false)
{
    public static CatalogueEntry Of(ScannedFile file) => new(file.Path, file.Kind, file.Stat.SizeBytes, file.Stat.MtimeNs,
        file.Stat.CtimeNs, file.Stat.Inode, file.Stat.Mode, 0, default);

    public static CatalogueEntry Of(FileVersion file) => new(file.Path, file.Kind, file.SizeBytes, file.MtimeNs, 0, 0, file.Mode, file.Version, file.Digest);

    public FileStat ToStat() => new(
        Kind switch { VersionKind.Symlink => EntryKind.Symlink, VersionKind.Folder => EntryKind.Folder, _ => EntryKind.File },
        SizeBytes, MtimeNs, CtimeNs, Inode, Mode, "");
}
