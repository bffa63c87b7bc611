using Backup.Protocol;

namespace Backup.Client;

/// <summary>
/// What a backup has to send, kept in a file because it may be millions of names: what it comes to is known before the first
/// byte travels, and a dry run ends here.
/// </summary>
internal sealed class BackupPlan(CatalogueFolder folder) : IDisposable
{
    private readonly CatalogueWriter writer = new(folder.PlanPath, folder.Client);

    /// <summary>Files and symlinks to be sent.</summary>
    public long Files { get; private set; }

    /// <summary>Folders whose bits or times are to be recorded. They are no files to whoever counts those.</summary>
    public long Folders { get; private set; }

    public long Bytes { get; private set; }

    public long Deletions { get; private set; }

    public long FolderDeletions { get; private set; }

    public bool IsEmpty => Files + Folders + Deletions + FolderDeletions == 0;

    /// <summary>Whether an entry of the plan is a deletion: only what is stored has a version.</summary>
    public static bool IsGone(CatalogueEntry entry) => entry.Version != 0;

    public void AddChanged(ScannedFile file)
    {
        writer.Add(CatalogueEntry.Of(file));
        if (file.Kind == VersionKind.Folder)
            Folders++;
        else
            Files++;
        Bytes += file.Stat.SizeBytes;
    }

    public void AddGone(CatalogueEntry stored)
    {
        writer.Add(stored);
        if (stored.Kind == VersionKind.Folder)
            FolderDeletions++;
        else
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
