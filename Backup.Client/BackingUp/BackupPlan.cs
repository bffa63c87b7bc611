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

    /// <summary>Whether the cluster lists it, as it was or as it is: then a catalogue that lacks it does not say all.</summary>
    public static bool IsListed(CatalogueEntry entry) => IsGone(entry) || entry.Digest != default;

    /// <param name="stored">What the cluster has of it; null for nothing, or where nobody has looked.</param>
    public void AddChanged(ScannedFile file, CatalogueEntry? stored = null)
    {
        writer.Add(CatalogueEntry.Of(file) with { Digest = stored?.Digest ?? default });
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
