using Backup.Protocol;

namespace Backup.Client;

/// <summary>Finds out what a backup has to send. What is unchanged goes into the new catalogue at once.</summary>
/// <param name="problem">Is told of everything that is in the root and cannot be backed up.</param>
internal sealed class BackupPlanner(Session session, ClusterConnection cluster, CatalogueFolder folder, BackupRequest request, Progress progress, Action<Failure> problem)
{
    /// <summary>A clock that ticks every two seconds (FAT) may show no second change within one tick; all others tick faster.</summary>
    private const long RacyNs = 2_000_000_000;

    private readonly ChangeFinder finder = new(UnixTime.Nanoseconds(session.Surroundings.Time.GetUtcNow()) - RacyNs, request.Rehash);

    /// <summary>Files found as they are stored; folders are not counted.</summary>
    public long Unchanged { get; private set; }

    /// <summary>Files to be sent that were never stored; folders are not counted, here and below.</summary>
    public long Added { get; private set; }

    /// <summary>Files to be sent that are stored as something else.</summary>
    public long Changed { get; private set; }

    /// <summary>Files that are stored and gone.</summary>
    public long Deleted { get; private set; }

    /// <summary>Whether the catalogue must be written anew although nothing is sent.</summary>
    public bool CatalogueIsOld { get; private set; }

    /// <summary>When the newest of what the cluster lists was stored, Unix milliseconds; 0 when the catalogue said all and nobody had to ask.</summary>
    public long NewestListedMs { get; private set; }

    public bool IsRacy(ScannedFile file) => finder.IsRacy(file);

    /// <summary>The whole root, deletions included.</summary>
    /// <returns>The cluster's sequence to which the catalogue belongs.</returns>
    public async Task<long> PlanRootAsync(BackupPlan plan, CatalogueWriter catalogue, CancellationToken ct)
    {
        var sequence = await cluster.SequenceAsync(ct);
        var known = CatalogueFile.Check(folder.FilePath, folder.Client);
        var cached = known is null ? [] : CatalogueFile.Entries(folder.FilePath);
        IEnumerable<CatalogueEntry>? listed = null;
        if (known?.Sequence != sequence)
        {
            CatalogueIsOld = true;
            await SpoolListingAsync("", ct);
            listed = CatalogueFile.Entries(folder.ListedPath);
        }
        var rules = session.IgnoreRules();
        var found = Counted(new Scanner(session.Root, rules, problem).Scan());
        foreach (var change in finder.Find(GuardEmpty(found, listed ?? cached), cached, listed))
        {
            ct.ThrowIfCancellationRequested();
            if (change.Kind == ChangeKind.Gone)
                PlanDeletion(change.Stored!, plan, catalogue);
            else if (await KeepOrPlanAsync(change, plan, ct) is { } kept)
                catalogue.Add(kept);
        }
        plan.Finish();
        File.Delete(folder.ListedPath);
        return sequence;
    }

    /// <summary>Named files, whatever they look like, and what changed in named folders. Nothing counts as deleted.</summary>
    public async Task PlanPathsAsync(IReadOnlyList<string> paths, BackupPlan plan, CancellationToken ct)
    {
        foreach (var path in paths)
        {
            var stat = path.Length == 0 ? default(FileStat) with { Kind = EntryKind.Folder } : session.Root.Stat(RootedPath.Parse(path));
            if (stat is not { } found)
                problem(new Failure(FailureCode.NotFound, $"'{RootedPath.Escape(path)}' is not in the root '{RootedPath.Escape(session.RootPath)}'.", path, "Check the spelling; relative paths start at the current folder or at the root."));
            else if (found.Kind == EntryKind.Special)
                problem(SourceFailures.Special(path, found.What));
            else if (found.Kind == EntryKind.Folder)
                await PlanFolderAsync(path, found, plan, ct);
            else
            {
                plan.AddChanged(new ScannedFile(RootedPath.Parse(path), found));
                Changed++;
            }
        }
        plan.Finish();
    }

    private async Task PlanFolderAsync(string path, FileStat stat, BackupPlan plan, CancellationToken ct)
    {
        await SpoolListingAsync(path.Length == 0 ? "" : path + "/", ct);
        foreach (var change in finder.Find(Counted(new Scanner(session.Root, session.IgnoreRules(), problem).Scan(path)), [], CatalogueFile.Entries(folder.ListedPath)))
        {
            ct.ThrowIfCancellationRequested();
            if (change.Kind != ChangeKind.Gone)
                await KeepOrPlanAsync(change, plan, ct);
        }
        if (path.Length > 0 && !await IsStoredAsync(new ScannedFile(RootedPath.Parse(path), stat), ct))
            plan.AddChanged(new ScannedFile(RootedPath.Parse(path), stat));
        File.Delete(folder.ListedPath);
    }

    /// <summary>Whether a folder is stored as it is.</summary>
    private async Task<bool> IsStoredAsync(ScannedFile named, CancellationToken ct)
    {
        var reply = await cluster.AskAsync(node => node.LookupAsync(cluster.Client, new LookupRequest([named.Path]), ct), ct);
        return reply.Files[0] is { } stored && finder.Find([named], [], [CatalogueEntry.Of(stored)]).Single().Kind == ChangeKind.Unchanged;
    }

    /// <returns>The entry that stays in the catalogue; null when the file is to be sent.</returns>
    private async Task<CatalogueEntry?> KeepOrPlanAsync(Change change, BackupPlan plan, CancellationToken ct)
    {
        var file = change.Found!.Value;
        var isSame = change.Kind == ChangeKind.Unchanged
            || (change.Kind == ChangeKind.Doubtful && await HasContentAsync(file, change.Stored!.Digest, ct));
        if (!isSame)
        {
            if (file.Kind != VersionKind.Folder && change.Stored is null)
                Added++;
            else if (file.Kind != VersionKind.Folder)
                Changed++;
            plan.AddChanged(file, change.Stored);
            return null;
        }
        if (file.Kind != VersionKind.Folder)
            Unchanged++;
        CatalogueIsOld |= change.Kind == ChangeKind.Doubtful;
        return CatalogueEntry.Of(file) with { Version = change.Stored!.Version, Digest = change.Stored.Digest, Racy = IsRacy(file) };
    }

    /// <summary>Reads a file to tell. One that cannot be read counts as changed: sending it says why it cannot.</summary>
    private async Task<bool> HasContentAsync(ScannedFile file, ChunkId digest, CancellationToken ct)
    {
        var changed = false;
        try
        {
            progress.Counters.Current = file.Path.Value;
            var source = session.Root.OpenFile(file.Path, file.Stat, () => changed = true);
            return await DigestOf.StreamAsync(source, cluster, file.Stat.SizeBytes, ct) == digest && !changed;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>
    /// What the scan did not find is not always gone: it may be excluded now, or stand in a folder that cannot be read. Only
    /// what the root really has no longer, or has as a folder, becomes a tombstone.
    /// </summary>
    private void PlanDeletion(CatalogueEntry stored, BackupPlan plan, CatalogueWriter catalogue)
    {
        try
        {
            var now = session.Root.Stat(stored.Path);
            if (now is null || (now.Value.Kind == EntryKind.Folder && stored.Kind != VersionKind.Folder))
            {
                plan.AddGone(stored);
                Deleted += stored.Kind == VersionKind.Folder ? 0 : 1;
                return;
            }
        }
        catch (FailureException)
        {
            // The scan has said already that the folder cannot be read.
        }
        catalogue.Add(stored);
    }

    private IEnumerable<ScannedFile> Counted(IEnumerable<ScannedFile> files)
    {
        foreach (var file in files)
        {
            progress.Scanned++;
            yield return file;
        }
    }

    /// <summary>An empty root is more often a disk that is not mounted than a wish to delete everything.</summary>
    private IEnumerable<ScannedFile> GuardEmpty(IEnumerable<ScannedFile> found, IEnumerable<CatalogueEntry> stored)
    {
        var isEmpty = true;
        foreach (var file in found)
        {
            isEmpty = false;
            yield return file;
        }
        if (isEmpty && !request.AllowEmpty && stored.Any())
            throw new Failure(FailureCode.SourceUnreadable, $"The root '{RootedPath.Escape(session.RootPath)}' is empty, but files of it are stored.", "client",
                "Check that its disk is mounted; pass --allow-empty to record that everything was deleted.").Exception();
    }

    /// <summary>Puts what the cluster lists into a file: it is read beside the root, which needs no network then.</summary>
    private async Task SpoolListingAsync(string prefix, CancellationToken ct)
    {
        using var writer = new CatalogueWriter(folder.ListedPath, folder.Client);
        await foreach (var file in cluster.ListUnsortedAsync(prefix, null, ct))
        {
            writer.Add(CatalogueEntry.Of(file));
            NewestListedMs = Math.Max(NewestListedMs, file.TimeMs);
        }
        writer.Finish(0);
    }
}
