using System.Globalization;
using Backup.Protocol;

namespace Backup.Client;

/// <summary>What is to be tried.</summary>
/// <param name="Files">How many at most.</param>
/// <param name="BytesMax">Of all of them; one file is restored whatever its size.</param>
/// <param name="To">An empty folder that keeps what was restored; null for a temporary one.</param>
internal sealed record DrillRequest(int Files, long BytesMax, long? AsOfMs = null, string? To = null);

internal sealed record DrillSummary(DrillRecord Record, string? KeptIn, IReadOnlyList<Failure> Problems)
{
    public ExitCode ExitCode => Record.Failed == 0 ? ExitCode.Done : Record.Good > 0 ? ExitCode.Incomplete : Problems.Count > 0 ? ExitCodes.Of(Problems[0]) : ExitCode.Failed;
}

/// <summary>
/// Tries whether a restore would work: brings a random sample back into a folder, reads it there, and compares each file with
/// the digest it was stored under and with the root where that still has it unchanged.
/// </summary>
internal sealed class DrillRun(Session session, DrillRequest request, Progress progress, Random random)
{
    private readonly List<Failure> problems = [];
    private readonly List<FileVersion> restored = [];
    private long failed;
    private long good;
    private long compared;
    private long bytes;

    /// <exception cref="FailureException">Nothing could be tried.</exception>
    public async Task<DrillSummary> RunAsync(CancellationToken ct)
    {
        var time = session.Surroundings.Time;
        var telling = new RunTelling(session, RunKind.Drill);
        var cluster = session.ConnectToRead();
        var sample = new Sample(request.Files, request.BytesMax, random);
        await foreach (var file in cluster.ListAsync("", request.AsOfMs, ct))
            sample.Offer(file);
        var drawn = sample.Drawn();
        if (drawn.Count == 0)
            throw new Failure(FailureCode.NotFound, "No file is stored that could be tried.", "client", "`backup` first; `list` shows what is there.").Exception();
        (progress.FilesPlanned, progress.BytesPlanned) = (drawn.Count, drawn.Sum(file => file.SizeBytes));
        using var folder = new DrillFolder(request.To is { } to ? Path.GetFullPath(to, session.Surroundings.CurrentFolder) : null);
        var started = time.GetTimestamp();
        using (var target = new RestoreFolder(folder.Path, force: false, keepSetuid: false, restored.Add, (_, failure) => Report(failure)))
        {
            await new Restorer(cluster, progress.Counters).RestoreAsync(drawn, target, ct);
            target.Finish();
        }
        var elapsed = time.GetElapsedTime(started);
        foreach (var file in restored)
            await CheckAsync(cluster, folder.Path, file, ct);
        var record = new DrillRecord(time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture), session.RootPath, cluster.Client.ToString(),
            drawn.Count, good, compared, failed, bytes, (long)elapsed.TotalMilliseconds, request.AsOfMs is { } asOf ? Times.Iso(asOf) : null);
        var summary = new DrillSummary(record, request.To is null ? null : folder.Path, problems);
        await telling.TellAsync(cluster, RunTelling.OutcomeOf(summary.ExitCode), isWhole: false, new RunCounts(0, 0, 0, good, failed, bytes, 0));
        new DrillHistory(session.Surroundings).Add(record);
        return summary;
    }

    private async Task CheckAsync(ClusterConnection cluster, string folder, FileVersion file, CancellationToken ct)
    {
        progress.Counters.Current = file.Path.Value;
        ChunkId there;
        try
        {
            there = await DigestOf.StreamAsync(File.OpenRead(Path.Join(folder, file.Path.Value)), cluster, file.SizeBytes, ct);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Report(new Failure(FailureCode.LocalFailed, $"'{file.Path.Display}' was restored and cannot be read back: {e.Message.TrimEnd('.')}.", "client", "Check this machine's disk."));
            return;
        }
        if (there != file.Digest)
        {
            Report(new Failure(FailureCode.DigestMismatch, $"'{file.Path.Display}' was restored with other content than it was stored with.", "client", "Run `verify --read-data`, and check this machine's disk."));
            return;
        }
        var source = await SourceDigestAsync(cluster, file, ct);
        if (source is { } digest && digest != file.Digest)
        {
            Report(new Failure(FailureCode.DigestMismatch, $"'{file.Path.Display}' in the root has other content than its backup, with the same size and mtime.", "client",
                "One of the two is damaged: compare them, and back the file up with `backup --rehash` if the root is right."));
            return;
        }
        compared += source is null ? 0 : 1;
        good++;
        bytes += file.SizeBytes;
    }

    /// <summary>Null when the root no longer has the file as it was stored.</summary>
    private async Task<ChunkId?> SourceDigestAsync(ClusterConnection cluster, FileVersion file, CancellationToken ct)
    {
        try
        {
            if (session.Root.Stat(file.Path) is not { Kind: EntryKind.File } stat || stat.SizeBytes != file.SizeBytes || stat.MtimeNs != file.MtimeNs)
                return null;
            var changed = false;
            var digest = await DigestOf.StreamAsync(session.Root.OpenFile(file.Path, stat, () => changed = true), cluster, file.SizeBytes, ct);
            return changed ? null : digest;
        }
        catch (Exception e) when (e is IOException or FailureException)
        {
            // The root is there to compare with, no more: a machine that lost it may still try its backup.
            return null;
        }
    }

    private void Report(Failure failure)
    {
        failed++;
        if (problems.Count < BackupSummary.ReceiptsKept)
            problems.Add(failure);
        progress.Problem?.Invoke(failure);
    }

    /// <summary>A temporary folder that vanishes, or one that was named and stays.</summary>
    private sealed class DrillFolder : IDisposable
    {
        private readonly bool isTemporary;

        public DrillFolder(string? named)
        {
            isTemporary = named is null;
            try
            {
                if (named is not null && Directory.Exists(named) && Directory.EnumerateFileSystemEntries(named).Any())
                    throw Failure.InvalidRequest($"'{RootedPath.Escape(named)}' is not empty: a drill would not know what it restored.").Exception();
                Path = named ?? Directory.CreateTempSubdirectory("backup-drill-").FullName;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new Failure(FailureCode.LocalFailed, $"There is no folder to restore into: {e.Message.TrimEnd('.')}.", "client", "Name one with --to DIR, or set TMPDIR.").Exception(e);
            }
        }

        public string Path { get; }

        public void Dispose()
        {
            if (isTemporary)
                Remove(Path);
        }

        /// <summary>A restored folder may be one that nobody may write to, not even to empty it.</summary>
        private static void Remove(string folder)
        {
            try
            {
                foreach (var below in Directory.EnumerateDirectories(folder, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint }))
                {
                    if (!OperatingSystem.IsWindows())
                        File.SetUnixFileMode(below, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
                }
                Directory.Delete(folder, recursive: true);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It lies where the system removes what is left.
            }
        }
    }
}
