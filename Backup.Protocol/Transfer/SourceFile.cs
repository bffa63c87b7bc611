namespace Backup.Protocol;

/// <summary>A file to be backed up, or the news that it is gone.</summary>
/// <param name="SizeBytes">As last seen; what is stored is what is read.</param>
/// <param name="MtimeNs">Unix nanoseconds.</param>
/// <param name="Mode">Unix permission bits, 0 where there are none.</param>
/// <param name="LinkTarget">Of a symlink.</param>
/// <param name="Open">Opens the content; null for symlinks, folders and tombstones. Called again when a failure makes a second reading necessary; a source that cannot be read twice then throws.</param>
public sealed record SourceFile(
    RootedPath Path, VersionKind Kind, long SizeBytes, long MtimeNs, int Mode, string? LinkTarget, Func<Stream>? Open)
{
    /// <summary>
    /// The operation under which a file of several segments is placed, when the caller remembers it: named again after an
    /// interruption it brings the file back to the nodes that have a part of it. Null for one of the uploader's own.
    /// </summary>
    public string? Operation { get; init; }
}

/// <summary>What became of one file: a receipt, a failure, or both when it was stored but changed while it was read.</summary>
public sealed record UploadResult(RootedPath Path, Receipt? Receipt, Failure? Failure);

/// <summary>What a transfer has done so far. Counted with Interlocked, read by whoever shows progress.</summary>
public sealed class TransferCounters
{
    /// <summary>Files, symlinks and tombstones that were stored or restored; folders are none.</summary>
    public long Files;
    public long FilesFailed;

    /// <summary>Commits that went through. Each moves the client's sequence on by one: who counts them can tell whether anybody else committed.</summary>
    public long Commits;

    /// <summary>Plain bytes read from the source, or written to the target.</summary>
    public long BytesRead;

    /// <summary>Bytes on the wire, records' headers included.</summary>
    public long BytesSent;

    /// <summary>Plain bytes that the cluster had already.</summary>
    public long BytesDeduplicated;

    /// <summary>The path under way.</summary>
    public string? Current;
}
