using Backup.Protocol;

namespace Backup.Client;

/// <summary>What is to be backed up, and how.</summary>
/// <param name="Paths">As the person wrote them; none means the whole root.</param>
/// <param name="Rehash">Distrust times and sizes: read everything.</param>
/// <param name="AllowEmpty">Record the deletion of everything when the root is empty.</param>
internal sealed record BackupRequest(IReadOnlyList<string> Paths, bool DryRun = false, bool Rehash = false, bool AllowEmpty = false);

/// <summary>What is under way, for whoever shows it. Written by the run, polled by the display.</summary>
internal sealed class Progress
{
    public TransferCounters Counters { get; } = new();

    /// <summary>Looked at so far.</summary>
    public long Scanned;

    /// <summary>What there is to do; 0 until that is known.</summary>
    public long FilesPlanned;
    public long BytesPlanned;

    /// <summary>What is counted, one and several of it.</summary>
    public (string One, string Many) Noun { get; init; } = ("file", "files");

    /// <summary>Is told of each file that was stored or restored.</summary>
    public Action<Receipt>? Stored { get; init; }

    /// <summary>Is told of each file that could not be, and why.</summary>
    public Action<Failure>? Problem { get; init; }

    /// <summary>Is told of each symlink that is stored and leads out of the root, and where to.</summary>
    public Action<RootedPath, string>? LeadsOutside { get; init; }

    /// <summary>Is told what would be done, in a dry run.</summary>
    public Action<RootedPath, VersionKind, long>? Planned { get; init; }
}

/// <summary>What a backup came to.</summary>
/// <param name="Stored">Files and symlinks; folders are counted apart.</param>
/// <param name="Unchanged">Found as they are stored.</param>
/// <param name="Deleted">Deletions recorded.</param>
/// <param name="Failed">Left out, each reported by name.</param>
/// <param name="Receipts">The first of them, up to <see cref="ReceiptsKept"/>.</param>
/// <param name="Problems">The first of them.</param>
/// <param name="Nodes">How many copies each node took.</param>
/// <param name="CopiesOwed">Copies the cluster still has to make, over all files.</param>
/// <param name="Folders">Folders recorded with their bits and times, or as deleted.</param>
/// <param name="Snapshot">The name given to this state of the whole root; null when none was.</param>
/// <param name="SnapshotFailure">Why it could not be given. The files are stored all the same.</param>
/// <param name="LinksOutside">Symlinks among what was stored that lead out of the root: they are kept as links, what they lead to is not.</param>
/// <param name="Interrupted">The person stopped it; the rest is left for the next backup.</param>
internal sealed record BackupSummary(
    bool DryRun, long Stored, long Unchanged, long Deleted, long Failed, long BytesRead, long BytesSent, long BytesDeduplicated,
    long ElapsedMs, long CopiesOwed, IReadOnlyDictionary<string, long> Nodes, IReadOnlyList<Receipt> Receipts, IReadOnlyList<Failure> Problems,
    long Folders = 0, string? Snapshot = null, Failure? SnapshotFailure = null, bool Interrupted = false, long LinksOutside = 0)
{
    public const int ReceiptsKept = 1000;

    public ExitCode ExitCode => Interrupted ? ExitCode.Interrupted
        : Failed == 0 ? ExitCode.Done
        : Stored + Unchanged + Deleted > 0 ? ExitCode.Incomplete
        : Problems.Count > 0 ? ExitCodes.Of(Problems[0]) : ExitCode.Failed;
}
