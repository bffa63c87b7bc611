using Backup.Protocol;

namespace Backup.Client;

/// <summary>What became of a file since it was last backed up.</summary>
internal enum ChangeKind
{
    Unchanged,

    /// <summary>New, or different beyond doubt.</summary>
    Changed,

    /// <summary>It looks the same, but not in a way to rely on: its content decides.</summary>
    Doubtful,

    /// <summary>It is stored and was not found in the root.</summary>
    Gone,
}

/// <param name="Found">What is in the root; null when it is gone.</param>
/// <param name="Stored">What the cluster has; null when it is new.</param>
internal readonly record struct Change(ChangeKind Kind, ScannedFile? Found, CatalogueEntry? Stored);

/// <summary>
/// Finds what changed: walks through the root, the catalogue and the cluster's list side by side, all three in the order of
/// their paths. A pure function of the three: it reads nothing and writes nothing.
/// </summary>
/// <param name="racyFromNs">A file touched at or after this time may have been touched again in the same tick of the clock.</param>
/// <param name="distrust">Whether everything that looks the same is doubtful.</param>
internal sealed class ChangeFinder(long racyFromNs, bool distrust)
{
    /// <param name="cached">How files looked when they were last read.</param>
    /// <param name="listed">What the cluster has now; null when the catalogue says that too.</param>
    public IEnumerable<Change> Find(IEnumerable<ScannedFile> found, IEnumerable<CatalogueEntry> cached, IEnumerable<CatalogueEntry>? listed)
    {
        using var files = found.GetEnumerator();
        using var known = Join(cached, listed).GetEnumerator();
        var (hasFile, hasKnown) = (files.MoveNext(), known.MoveNext());
        while (hasFile || hasKnown)
        {
            var order = !hasFile ? 1 : !hasKnown ? -1 : PathOrder.Compare(files.Current.Path, known.Current.Stored.Path);
            if (order > 0)
            {
                yield return new Change(ChangeKind.Gone, null, known.Current.Stored);
                hasKnown = known.MoveNext();
                continue;
            }
            yield return order < 0
                ? new Change(ChangeKind.Changed, files.Current, null)
                : new Change(Judge(files.Current, known.Current.Stored, known.Current.Seen), files.Current, known.Current.Stored);
            hasFile = files.MoveNext();
            if (order == 0)
                hasKnown = known.MoveNext();
        }
    }

    public bool IsRacy(ScannedFile file) => file.Stat.MtimeNs >= racyFromNs;

    /// <param name="stored">What the cluster has.</param>
    /// <param name="seen">How the file looked when that very version was read; null when nobody here knows.</param>
    private ChangeKind Judge(ScannedFile file, CatalogueEntry stored, CatalogueEntry? seen)
    {
        var now = CatalogueEntry.Of(file);
        if (now.Kind != stored.Kind || now.Mode != stored.Mode)
            return ChangeKind.Changed;
        // Of a folder only bits and mtime are kept; there is nothing to read that could tell more.
        if (now.Kind == VersionKind.Folder)
            return now.MtimeNs == stored.MtimeNs ? ChangeKind.Unchanged : ChangeKind.Changed;
        if (now.MtimeNs != stored.MtimeNs || now.SizeBytes != stored.SizeBytes)
            return ChangeKind.Changed;
        var isTouched = seen is not null && (now.CtimeNs != seen.CtimeNs || now.Inode != seen.Inode);
        // A link is never changed in place: its own attributes are all there is of it, and nothing could be read to tell.
        if (now.Kind == VersionKind.Symlink)
            return isTouched ? ChangeKind.Changed : ChangeKind.Unchanged;
        var isRacy = seen?.Racy ?? IsRacy(file);
        return distrust || isTouched || isRacy ? ChangeKind.Doubtful : ChangeKind.Unchanged;
    }

    private static IEnumerable<(CatalogueEntry Stored, CatalogueEntry? Seen)> Join(IEnumerable<CatalogueEntry> cached, IEnumerable<CatalogueEntry>? listed)
    {
        if (listed is null)
        {
            foreach (var entry in cached)
                yield return (entry, entry);
            yield break;
        }
        using var seen = cached.GetEnumerator();
        var hasSeen = seen.MoveNext();
        foreach (var stored in listed)
        {
            while (hasSeen && PathOrder.Compare(seen.Current.Path, stored.Path) < 0)
                hasSeen = seen.MoveNext();
            var isSeen = hasSeen && seen.Current.Path == stored.Path && seen.Current.Version == stored.Version;
            yield return (stored, isSeen ? seen.Current : null);
        }
    }
}
