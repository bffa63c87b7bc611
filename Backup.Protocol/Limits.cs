namespace Backup.Protocol;

/// <summary>Every bound that two processes must agree on, with its origin. Units stand last in the names.</summary>
public static class Limits
{
    /// <summary>No chunk but a file's last, or only, one is smaller.</summary>
    public const int ChunkBytesMin = 24 << 10;

    /// <summary>The average aimed at. Smaller finds more duplicates, larger costs fewer index rows: docs/adr/0029 weighs them.</summary>
    public const int ChunkBytesAverage = 96 << 10;

    /// <summary>The largest chunk that is made. Four times the average: content without a cut by then has none to find.</summary>
    public const int ChunkBytesMax = 384 << 10;

    /// <summary>The largest payload of any record, and the largest chunk that is accepted: a page below 4 MiB, so that a whole record fits a pooled 4 MiB buffer.</summary>
    public const int PayloadBytesMax = (4 << 20) - 4096;

    /// <summary>
    /// Chunk references a manifest or list holds before they go into a list record of their own: 36 bytes each, 72 KiB for some 200 MiB of a file.
    /// Of 85,000 bytes on an array is large to the collector, which leaves such garbage for long. A manifest has room for the lists of 21 TiB.
    /// </summary>
    public const int RefsPerList = 2_048;

    /// <summary>What a sender gathers before it asks and sends: long enough to hide the round trip, three of them are 48 MiB, and up to twice that in memory.</summary>
    public const int SegmentBytesTarget = 16 << 20;

    /// <summary>What a node accepts as one segment: the target, what others left of theirs (a quarter of it at most), one largest record and headers.</summary>
    public const int SegmentBytesMax = SegmentBytesTarget + (8 << 20);

    /// <summary>Records in one segment: a segment of empty files is bounded by their manifests (about 400 bytes each).</summary>
    public const int SegmentRecordsMax = 8_192;

    /// <summary>Files placed or committed by one call. Redis runs a script of this many in about 10 ms, which nobody else notices.</summary>
    public const int FilesPerCallMax = 1_000;

    /// <summary>
    /// Content from this size on is placed beside itself when it is stored already (docs/adr/0009): only of such files is it noted where
    /// their first chunk lies. Smaller ones go by fewest files alone.
    /// </summary>
    public const long HintBytesMin = 1 << 20;

    /// <summary>The largest file: 1 PiB, and a thousand of them in a call are counted without overflow.</summary>
    public const long FileBytesMax = 1L << 50;

    /// <summary>Entries in one page of a listing.</summary>
    public const int ListPageMax = 1_000;

    /// <summary>Copies of a file, primary included.</summary>
    public const int CopiesMax = 5;
}
