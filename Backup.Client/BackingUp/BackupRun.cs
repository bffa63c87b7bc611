using System.Collections.Concurrent;
using Backup.Protocol;

namespace Backup.Client;

/// <summary>One backup from start to end; the command and the menu run the same. Interrupted at any point, the next one goes on.</summary>
internal sealed class BackupRun(Session session, BackupRequest request, Progress progress)
{
    /// <summary>The catalogue belongs to no known state of the cluster: the next backup asks what is stored.</summary>
    private const long SequenceUnknown = -1;

    private readonly Dictionary<RootedPath, CatalogueEntry> underWay = [];
    private readonly ConcurrentDictionary<RootedPath, bool> changedWhileRead = new();
    private readonly SortedDictionary<string, long> nodes = new(StringComparer.Ordinal);
    private readonly List<Receipt> receipts = [];
    private readonly List<Failure> problems = [];
    private long stored;
    private long deleted;
    private long failed;
    private long folders;
    private long copiesOwed;
    private bool clusterFailed;

    /// <summary>Whether something that the cluster lists could not be sent, or its deletion: the new catalogue does not have it.</summary>
    private bool lacksListed;
    private Snapshot? snapshot;
    private Failure? snapshotFailure;
    private bool interrupted;
    private long linksOutside;
    private LargeUploads? large;
    private BackupPlanner? planned;

    /// <summary>What it took to find out what has changed, before any of it was sent.</summary>
    public TimeSpan LookTime { get; private set; }

    /// <param name="ct">Ends it in order while files are sent: what is under way is finished, and the summary says that it is not all.</param>
    /// <exception cref="FailureException">Nothing could be done, or the cluster failed in the middle; what was stored before stays stored.</exception>
    public async Task<BackupSummary> RunAsync(CancellationToken ct)
    {
        var telling = new RunTelling(session, RunKind.Backup);
        try
        {
            var summary = await RememberingAsync(ct);
            await TellAsync(telling, RunTelling.OutcomeOf(summary.ExitCode));
            return summary;
        }
        catch (FailureException e) when (e.Failure.Code is FailureCode.SourceUnreadable or FailureCode.LocalFailed)
        {
            // Where the cluster itself is what failed, there is nobody to tell.
            await TellAsync(telling, RunOutcome.Failed, e.Failure);
            throw;
        }
    }

    private async Task TellAsync(RunTelling telling, RunOutcome outcome, Failure? failure = null)
    {
        if (request.DryRun || planned is not { } planner)
            return;
        var counters = progress.Counters;
        await telling.TellAsync(session.ConnectToWrite(), outcome, request.Paths.Count == 0,
            new RunCounts(planner.Added, planner.Changed, planner.Deleted, planner.Unchanged, failed, counters.BytesRead, counters.BytesSent), failure);
    }

    /// <summary>Plan and catalogue lie on this machine's disk, which may be full.</summary>
    private async Task<BackupSummary> RememberingAsync(CancellationToken ct)
    {
        try
        {
            return await BackUpAsync(ct);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new Failure(FailureCode.LocalFailed, $"What this machine remembers of its backups cannot be written: {e.Message.TrimEnd('.')}.", "client",
                "Check the free space and the permissions there, or set XDG_CACHE_HOME; what was sent is stored.").Exception(e);
        }
    }

    private async Task<BackupSummary> BackUpAsync(CancellationToken ct)
    {
        var started = session.Surroundings.Time.GetTimestamp();
        var paths = request.Paths.Select(session.Resolve).ToList();
        _ = session.Root;
        var cluster = request.DryRun ? session.ConnectToPreview() : session.ConnectToWrite();
        var folder = new CatalogueFolder(session.Surroundings, cluster.Client);
        using var held = folder.Lock();
        large = new LargeUploads(folder);
        using var plan = new BackupPlan(folder);
        var planner = planned = new BackupPlanner(session, cluster, folder, request, progress, Report);
        if (paths.Count > 0)
        {
            await planner.PlanPathsAsync(paths, plan, ct);
            await SendAsync(cluster, plan, planner, null, ct);
        }
        else
        {
            using var catalogue = new CatalogueWriter(folder.FilePath, folder.Client);
            var sequence = await planner.PlanRootAsync(plan, catalogue, ct);
            LookTime = session.Surroundings.Time.GetElapsedTime(started);
            await SendAsync(cluster, plan, planner, catalogue, ct);
            // Half a backup is no state of the root to come back to, and no catalogue of it: the next one asks what is stored.
            if (!request.DryRun && !interrupted)
            {
                if (HasStored || planner.CatalogueIsOld)
                    catalogue.Finish(await SequenceAfterAsync(cluster, sequence, ct));
                if (!clusterFailed)
                {
                    large.Clear();
                    await NameAsync(cluster, planner, ct);
                }
            }
        }
        var counters = progress.Counters;
        return new BackupSummary(request.DryRun, stored, planner.Unchanged, deleted, failed, counters.BytesRead, counters.BytesSent, counters.BytesDeduplicated,
            (long)session.Surroundings.Time.GetElapsedTime(started).TotalMilliseconds, copiesOwed, nodes, receipts, problems, folders, snapshot?.Name, snapshotFailure, interrupted, linksOutside);
    }

    private bool HasStored => stored + deleted + folders > 0;

    /// <summary>Gives what is stored now a name, unless it has one. That this failed takes nothing from the backup.</summary>
    private async Task NameAsync(ClusterConnection cluster, BackupPlanner planner, CancellationToken ct)
    {
        if (!HasStored && planner.NewestListedMs == 0)
            return;
        try
        {
            snapshot = await AutomaticSnapshot.MakeAsync(cluster, HasStored ? null : planner.NewestListedMs, session.Surroundings.Time, ct);
        }
        catch (FailureException e)
        {
            snapshotFailure = e.Failure;
        }
    }

    private async Task SendAsync(ClusterConnection cluster, BackupPlan plan, BackupPlanner planner, CatalogueWriter? catalogue, CancellationToken ct)
    {
        (progress.FilesPlanned, progress.BytesPlanned) = (plan.Files + plan.Deletions + plan.FolderDeletions, plan.Bytes);
        if (request.DryRun)
        {
            foreach (var entry in plan.Entries())
                progress.Planned?.Invoke(entry.Path, BackupPlan.IsGone(entry) ? VersionKind.Tombstone : entry.Kind, entry.SizeBytes);
            (stored, deleted, folders) = (plan.Files, plan.Deletions, plan.Folders + plan.FolderDeletions);
            return;
        }
        if (plan.IsEmpty)
            return;
        using var hard = new CancellationTokenSource();
        // After Ctrl-C a segment under way may take as long as it ever may; then it is cut short.
        await using var leaving = ct.Register(() => hard.CancelAfter(Uploader.SegmentTime));
        await foreach (var result in new Uploader(cluster, progress.Counters).UploadAsync(Sources(plan.Entries()), hard.Token, soon: ct))
        {
            underWay.Remove(result.Path, out var entry);
            var failure = result.Failure ?? (changedWhileRead.ContainsKey(result.Path) ? SourceFailures.Changed(result.Path.Value) : null);
            if (failure is not null)
                Report(failure);
            if (result.Receipt is { } receipt)
            {
                Count(receipt, entry!.Kind);
                if (LargeUploads.IsLarge(entry))
                    large!.Stored(entry.Path);
                // What changed under the reader must not look unchanged the next time.
                if (receipt.Kind != VersionKind.Tombstone)
                    catalogue?.Add(entry! with { Version = receipt.Version, Digest = receipt.Digest, Racy = failure is not null || planner.IsRacy(new ScannedFile(entry.Path, entry.ToStat())) });
            }
            else
                lacksListed |= BackupPlan.IsListed(entry!);
        }
        interrupted = ct.IsCancellationRequested;
    }

    /// <summary>Runs ahead of the results by what is under way, never more.</summary>
    private IEnumerable<SourceFile> Sources(IEnumerable<CatalogueEntry> entries)
    {
        foreach (var entry in entries)
        {
            if (ToSource(entry) is not { } source)
            {
                lacksListed |= BackupPlan.IsListed(entry);
                continue;
            }
            underWay[entry.Path] = entry;
            yield return source;
        }
    }

    private SourceFile? ToSource(CatalogueEntry entry)
    {
        if (BackupPlan.IsGone(entry))
            return new SourceFile(entry.Path, VersionKind.Tombstone, 0, entry.MtimeNs, entry.Mode, null, null);
        try
        {
            var target = entry.Kind == VersionKind.Symlink ? session.Root.ReadLink(entry.Path) : null;
            if (target is not null && PathArgument.LeadsOutside(entry.Path, target, session.RootPath))
            {
                linksOutside++;
                progress.LeadsOutside?.Invoke(entry.Path, target);
            }
            Func<Stream>? open = entry.Kind != VersionKind.File ? null
                : () => session.Root.OpenFile(entry.Path, entry.ToStat(), () => changedWhileRead[entry.Path] = true);
            return new SourceFile(entry.Path, entry.Kind, entry.SizeBytes, entry.MtimeNs, entry.Mode, target, open)
            {
                Operation = LargeUploads.IsLarge(entry) ? large!.OperationFor(entry) : null,
            };
        }
        catch (FailureException e)
        {
            Report(e.Failure);
            return null;
        }
    }

    /// <param name="kind">What it is or, deleted, was.</param>
    private void Count(Receipt receipt, VersionKind kind)
    {
        if (kind == VersionKind.Folder)
            folders++;
        else if (receipt.Kind == VersionKind.Tombstone)
            deleted++;
        else
            stored++;
        copiesOwed += receipt.CopiesOwed;
        foreach (var node in receipt.Nodes)
            nodes[node.Value] = nodes.GetValueOrDefault(node.Value) + 1;
        if (receipts.Count < BackupSummary.ReceiptsKept)
            receipts.Add(receipt);
        progress.Stored?.Invoke(receipt);
    }

    private void Report(Failure failure)
    {
        failed++;
        clusterFailed |= failure.Code is not (FailureCode.SourceUnreadable or FailureCode.SourceChanged or FailureCode.InvalidPath or FailureCode.LocalFailed);
        if (problems.Count < BackupSummary.ReceiptsKept)
            problems.Add(failure);
        progress.Problem?.Invoke(failure);
    }

    /// <summary>
    /// If the sequence went on by just the commits of this run, nobody else committed anything meanwhile, and the catalogue
    /// says all there is to say; if not, the next backup looks at the cluster's list.
    /// </summary>
    private async Task<long> SequenceAfterAsync(ClusterConnection cluster, long before, CancellationToken ct)
    {
        if (lacksListed)
            return SequenceUnknown;
        var commits = progress.Counters.Commits;
        var after = commits == 0 ? before : await cluster.SequenceAsync(ct);
        return after - before == commits ? after : SequenceUnknown;
    }
}
