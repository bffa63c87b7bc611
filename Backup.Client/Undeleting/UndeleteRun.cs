using Backup.Protocol;

namespace Backup.Client;

/// <summary>What bringing back came to.</summary>
internal sealed record UndeleteSummary(
    bool DryRun, long Undeleted, long Folders, long Failed, long BytesSent, IReadOnlyList<Receipt> Receipts, IReadOnlyList<Failure> Problems)
{
    public ExitCode ExitCode => Failed == 0 ? ExitCode.Done : Undeleted + Folders > 0 ? ExitCode.Incomplete : ExitCodes.Of(Problems[0]);
}

/// <summary>
/// Stores deleted files anew as they were. What they had is fetched some files at a time into a folder beside the catalogue
/// and sent like any other file; the nodes that hold the file find its chunks there already, so that little travels back.
/// </summary>
/// <param name="paths">As the person wrote them: files, or folders with all below.</param>
internal sealed class UndeleteRun(Session session, IReadOnlyList<string> paths, long? asOfMs, bool dryRun, Progress progress)
{
    /// <summary>What lies on the disk at a time, or one larger file: a batch of the uploader's.</summary>
    private const long WindowBytesMax = 16 << 20;

    private readonly List<Receipt> receipts = [];
    private readonly List<Failure> problems = [];
    private readonly TransferCounters sending = new();
    private long undeleted;
    private long folders;
    private long failed;

    public async Task<UndeleteSummary> RunAsync(CancellationToken ct)
    {
        var inside = paths.Select(session.Resolve).Distinct().ToList();
        if (inside.Contains(""))
            throw new Failure(FailureCode.InvalidRequest, "The whole root is not undeleted at once.", "client", "Name the files or folders in it, or `restore` it.").Exception();
        var cluster = session.ConnectToRead();
        var folder = new CatalogueFolder(session.Surroundings, cluster.Client);
        using var held = dryRun ? null : folder.Lock();
        foreach (var path in inside)
        {
            try
            {
                await BringBackAsync(cluster, folder, RootedPath.Parse(path), ct);
            }
            catch (FailureException e) when (e.Failure.Code is FailureCode.NotFound or FailureCode.AlreadyExists)
            {
                Report(e.Failure);
            }
        }
        return new UndeleteSummary(dryRun, undeleted, folders, failed, sending.BytesSent, receipts, problems);
    }

    private async Task BringBackAsync(ClusterConnection cluster, CatalogueFolder folder, RootedPath path, CancellationToken ct)
    {
        var window = new List<FileVersion>();
        long bytes = 0;
        await foreach (var file in new DeletedFiles(cluster, asOfMs).OfAsync(path, ct))
        {
            if (dryRun)
            {
                Count(file.Kind);
                progress.Planned?.Invoke(file.Path, file.Kind, file.SizeBytes);
                continue;
            }
            progress.FilesPlanned += file.Kind == VersionKind.Folder ? 0 : 1;
            progress.BytesPlanned += file.SizeBytes;
            window.Add(file);
            bytes += file.SizeBytes;
            if (window.Count < Limits.FilesPerCallMax && bytes < WindowBytesMax)
                continue;
            await StoreAsync(cluster, folder, window, ct);
            window.Clear();
            bytes = 0;
        }
        if (window.Count > 0)
            await StoreAsync(cluster, folder, window, ct);
    }

    private async Task StoreAsync(ClusterConnection cluster, CatalogueFolder folder, List<FileVersion> window, CancellationToken ct)
    {
        using var fetched = new FetchedFiles(folder.FetchedPath, (_, failure) => Report(failure));
        await new Restorer(cluster, progress.Counters).RestoreAsync(window, fetched, ct);
        await foreach (var result in new Uploader(cluster, sending).UploadAsync(fetched.Sources, ct))
        {
            if (result.Receipt is { } receipt)
            {
                Count(receipt.Kind);
                if (receipts.Count < BackupSummary.ReceiptsKept)
                    receipts.Add(receipt);
                progress.Stored?.Invoke(receipt);
            }
            if (result.Failure is { } failure)
                Report(failure);
        }
    }

    private void Count(VersionKind kind)
    {
        if (kind == VersionKind.Folder)
            folders++;
        else
            undeleted++;
    }

    private void Report(Failure failure)
    {
        failed++;
        if (problems.Count < BackupSummary.ReceiptsKept)
            problems.Add(failure);
        progress.Problem?.Invoke(failure);
    }
}
