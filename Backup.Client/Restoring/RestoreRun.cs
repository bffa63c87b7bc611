using Backup.Protocol;

namespace Backup.Client;

/// <summary>What is to be restored, and where to.</summary>
/// <param name="Paths">As the person wrote them: files, or folders with all below; none means everything.</param>
/// <param name="To">The folder that takes it; relative to the current folder.</param>
/// <param name="AsOfMs">As it was at that time, Unix milliseconds; null for now.</param>
/// <param name="Version">This version of the one path named.</param>
internal sealed record RestoreRequest(
    IReadOnlyList<string> Paths, string To, long? AsOfMs = null, long? Version = null, bool Force = false, bool KeepSetuid = false, bool DryRun = false);

/// <summary>What a restore came to.</summary>
/// <param name="Restored">Files and symlinks; folders are counted apart.</param>
/// <param name="There">Files that stood there already as they are stored, by size and mtime: an earlier restore brought them.</param>
internal sealed record RestoreSummary(
    bool DryRun, string To, long Restored, long Failed, long Bytes, long ElapsedMs, IReadOnlyList<Failure> Problems, long Folders = 0, long There = 0)
{
    public ExitCode ExitCode => Failed == 0 ? ExitCode.Done : Restored + Folders + There > 0 ? ExitCode.Incomplete : Problems.Count > 0 ? ExitCodes.Of(Problems[0]) : ExitCode.Failed;
}

/// <summary>One restore from start to end; the command and the menu run the same.</summary>
internal sealed class RestoreRun(Session session, RestoreRequest request, Progress progress)
{
    /// <summary>Versions gathered before they are fetched: what the restorer sorts by holder at a time.</summary>
    private const int WindowMax = 4096;

    /// <summary>Both copies. Each more is a stream and two chunks in memory, and this machine's disk is written to by both already.</summary>
    private const int NodesAtOnce = 2;

    private readonly List<Failure> problems = [];
    private long restored;
    private long folders;
    private long failed;
    private long bytes;
    private long there;

    /// <exception cref="FailureException">Nothing could be restored.</exception>
    public async Task<RestoreSummary> RunAsync(CancellationToken ct)
    {
        var started = session.Surroundings.Time.GetTimestamp();
        var paths = request.Paths.Select(session.Resolve).ToList();
        var to = Path.TrimEndingDirectorySeparator(Path.GetFullPath(request.To, session.Surroundings.CurrentFolder));
        var cluster = session.ConnectToRead();
        var selection = new Selection(cluster, paths, request.AsOfMs, request.Version);
        await foreach (var file in selection.FilesAsync(ct))
        {
            if (file.Kind == VersionKind.Folder)
                folders++;
            else
                progress.FilesPlanned++;
            progress.BytesPlanned += file.SizeBytes;
            if (request.DryRun)
                progress.Planned?.Invoke(file.Path, file.Kind, file.SizeBytes);
        }
        if (progress.FilesPlanned + folders == 0)
            throw new Failure(FailureCode.NotFound, $"Nothing of this root {(request.AsOfMs is null ? "is stored" : "was stored at that time")}.", "client",
                "`list` shows what is there, `versions PATH` since when.").Exception();
        if (request.DryRun)
            (restored, bytes) = (progress.FilesPlanned, progress.BytesPlanned);
        else
        {
            folders = 0;
            await FetchAsync(cluster, selection, to, ct);
        }
        return new RestoreSummary(request.DryRun, to, restored, failed, bytes,
            (long)session.Surroundings.Time.GetElapsedTime(started).TotalMilliseconds, problems, folders, there);
    }

    private async Task FetchAsync(ClusterConnection cluster, Selection selection, string to, CancellationToken ct)
    {
        using var folder = new RestoreFolder(to, request.Force, request.KeepSetuid, Restored, Report);
        var restorer = new Restorer(cluster, progress.Counters) { NodesAtOnce = NodesAtOnce };
        var window = new List<FileVersion>();
        await foreach (var file in selection.FilesAsync(ct))
        {
            if (!request.Force && folder.HasAlready(file))
            {
                there++;
                Interlocked.Increment(ref progress.Counters.Files);
                progress.BytesPlanned -= file.SizeBytes;
                continue;
            }
            window.Add(file);
            if (window.Count < WindowMax)
                continue;
            await restorer.RestoreAsync(window, folder, ct);
            window.Clear();
        }
        if (window.Count > 0)
            await restorer.RestoreAsync(window, folder, ct);
        folder.Finish();
    }

    private void Restored(FileVersion file)
    {
        if (file.Kind == VersionKind.Folder)
            folders++;
        else
            restored++;
        bytes += file.SizeBytes;
        progress.Stored?.Invoke(new Receipt(file.Path, file.Version, file.Kind, file.TimeMs, file.SizeBytes, file.Digest, file.Nodes, file.CopiesOwed, file.TraceId));
    }

    private void Report(FileVersion file, Failure failure)
    {
        failed++;
        if (problems.Count < BackupSummary.ReceiptsKept)
            problems.Add(failure);
        progress.Problem?.Invoke(failure);
    }
}
