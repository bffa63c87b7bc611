using Backup.Protocol;

namespace Backup.Client;

/// <summary>What a deletion came to.</summary>
internal sealed record DeleteSummary(bool DryRun, long Deleted, long Failed, IReadOnlyList<Receipt> Receipts, IReadOnlyList<Failure> Problems)
{
    public ExitCode ExitCode => Failed == 0 ? ExitCode.Done : Deleted > 0 ? ExitCode.Incomplete : ExitCodes.Of(Problems[0]);
}

/// <summary>Records that files are deleted. Their earlier versions stay, and come back with a time or a version number.</summary>
/// <param name="paths">As the person wrote them: files, or folders with all below.</param>
internal sealed class DeleteRun(Session session, IReadOnlyList<string> paths, bool dryRun, Progress progress)
{
    private readonly List<Receipt> receipts = [];
    private readonly List<Failure> problems = [];
    private readonly HashSet<RootedPath> folders = [];
    private long deleted;
    private long failed;

    public async Task<DeleteSummary> RunAsync(CancellationToken ct)
    {
        var inside = paths.Select(session.Resolve).ToList();
        if (inside.Contains(""))
            throw new Failure(FailureCode.InvalidRequest, "The whole root is not deleted at once.", "client", "Name the files or folders in it.").Exception();
        var cluster = session.ConnectToRead();
        using var held = dryRun ? null : new CatalogueFolder(session.Surroundings, cluster.Client).Lock();
        var doomed = new List<SourceFile>();
        await foreach (var file in new Selection(cluster, inside, null, null).FilesAsync(ct))
        {
            doomed.Add(new SourceFile(file.Path, VersionKind.Tombstone, 0, 0, 0, null, null));
            if (file.Kind == VersionKind.Folder)
                folders.Add(file.Path);
            progress.Planned?.Invoke(file.Path, file.Kind, file.SizeBytes);
        }
        progress.FilesPlanned = doomed.Count;
        if (dryRun)
            return new DeleteSummary(true, doomed.Count - folders.Count, 0, [], []);
        await foreach (var result in new Uploader(cluster, progress.Counters).UploadAsync(doomed, ct))
            Count(result);
        return new DeleteSummary(false, deleted, failed, receipts, problems);
    }

    private void Count(UploadResult result)
    {
        if (result.Receipt is { } receipt)
        {
            if (!folders.Contains(receipt.Path))
                deleted++;
            if (receipts.Count < BackupSummary.ReceiptsKept)
                receipts.Add(receipt);
            progress.Stored?.Invoke(receipt);
        }
        if (result.Failure is not { } failure)
            return;
        failed++;
        if (problems.Count < BackupSummary.ReceiptsKept)
            problems.Add(failure);
        progress.Problem?.Invoke(failure);
    }
}
