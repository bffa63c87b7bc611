using Backup.Protocol;

namespace Backup.Client;

/// <summary>
/// What a backup has to send, kept in a file because it may be millions of names: what it comes to is known before the first
/// byte travels, and a dry run ends here.
/// </summary>
internal sealed class BackupPlan(CatalogueFolder folder) : IDisposable
{
    private readonly CatalogueWriter writer = new(folder.PlanPath, folder.Client);

    public long Files { get; private set; }

    public long Bytes { get; private set; }

    public long Deletions { get; private set; }

    public void AddChanged(ScannedFile file)
    {
        writer.Add(CatalogueEntry.Of(file));
        Files++;
        Bytes += file.Stat.SizeBytes;
    }

    public void AddGone(CatalogueEntry stored)
    {
        writer.Add(stored with { Kind = VersionKind.Tombstone, SizeBytes = 0 });
        Deletions++;
    }

    public void Finish() => writer.Finish(0);

    /// <summary>In the order of their paths; a path named twice stands there once.</summary>
    public IEnumerable<CatalogueEntry> Entries() => CatalogueFile.Entries(folder.PlanPath);

    public void Dispose()
    {
        writer.Dispose();
        File.Delete(folder.PlanPath);
    }
}
