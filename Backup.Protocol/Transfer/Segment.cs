using System.Net;

namespace Backup.Protocol;

/// <summary>
/// A bounded batch of records for one set of nodes. Chunks and lists are ready when they are added; manifests are encoded
/// when the segment is sent, because they name the nodes, and those may change until then.
/// </summary>
public sealed class Segment : IDisposable
{
    /// <summary>Less is better sent with other records than by itself; a full segment that takes so much more stays below what is accepted.</summary>
    public const int LittleBytes = Limits.SegmentBytesTarget / 4;

    private const int LittleRecords = 512;

    private readonly List<Record> records = [];
    private readonly List<PendingFile> finished = [];

    /// <summary>Of its records as they travel. In memory chunks of a large file hold up to twice as much: pooled buffers come in powers of two.</summary>
    public long Bytes { get; private set; }

    public bool IsFull => Bytes >= Limits.SegmentBytesTarget || records.Count + finished.Count >= Limits.SegmentRecordsMax - 1 - LittleRecords;

    /// <summary>Whether it had better wait for more.</summary>
    public bool IsLittle => finished.Count == 0 && Bytes < LittleBytes && records.Count < LittleRecords;

    public bool IsEmpty => records.Count == 0 && finished.Count == 0;

    /// <summary>Files whose last records are in this segment.</summary>
    public IReadOnlyList<PendingFile> Finished => finished;

    public IReadOnlyList<Record> Records => records;

    public void Add(Record record)
    {
        records.Add(record);
        Bytes += record.Header.RecordBytes;
    }

    public void Finish(PendingFile file)
    {
        finished.Add(file);
        Bytes += RecordHeader.LengthBytes + 512 + file.Refs.Count * ChunkRef.LengthBytes;
    }

    /// <summary>Lets go of the records that need not be sent.</summary>
    /// <param name="isWanted">Asked once for each.</param>
    public void Keep(Func<Record, bool> isWanted) => records.RemoveAll(r =>
    {
        if (isWanted(r))
            return false;
        Bytes -= r.Header.RecordBytes;
        r.Dispose();
        return true;
    });

    /// <summary>Whether with the other's records it is still what a node accepts: tried again, it may have taken some already.</summary>
    public bool HasRoomFor(Segment other) => Bytes + other.Bytes <= Limits.SegmentBytesTarget + Limits.ChunkBytesMax + LittleBytes
        && records.Count + finished.Count + other.records.Count <= Limits.SegmentRecordsMax;

    /// <summary>Takes the records of one that has finished no file, but for those it has itself.</summary>
    /// <returns>How many bytes of chunks it had itself.</returns>
    public long TakeFrom(Segment other)
    {
        if (other.IsEmpty)
            return 0;
        var there = records.Select(record => (record.Header.Kind, record.Header.Id)).ToHashSet();
        long twice = 0;
        foreach (var record in other.records)
        {
            if (there.Add((record.Header.Kind, record.Header.Id)))
            {
                Add(record);
                continue;
            }
            twice += record.Header.Kind == RecordKind.Chunk ? record.Header.PlainBytes : 0;
            record.Dispose();
        }
        other.records.Clear();
        other.Clear();
        return twice;
    }

    /// <summary>Puts smaller records in the place of those that compress well.</summary>
    public void Compress(RecordCodec codec)
    {
        for (var i = 0; i < records.Count; i++)
        {
            if (records[i].Header.Encoding != RecordEncoding.Raw)
                continue;
            Bytes -= records[i].Header.RecordBytes;
            records[i] = codec.Compress(records[i]);
            Bytes += records[i].Header.RecordBytes;
        }
    }

    /// <summary>Lets go of everything, to be filled again.</summary>
    public void Clear()
    {
        Dispose();
        finished.Clear();
        Bytes = 0;
    }

    public void Dispose()
    {
        foreach (var record in records)
            record.Dispose();
        records.Clear();
    }
}

/// <summary>The body of a segment's request: the records one after the other, written from their own buffers.</summary>
/// <param name="limit">How fast it may go; null for as fast as it can.</param>
public sealed class RecordsContent(IReadOnlyList<Record> records, SendLimit? limit = null) : HttpContent
{
    private readonly IReadOnlyList<Record> records = records.All(r => r.Header.Digest != default) ? records
        : throw new InvalidOperationException("A chunk that is to be encrypted would be sent as it is.");

    protected override bool TryComputeLength(out long length)
    {
        length = records.Sum(r => (long)r.Header.RecordBytes);
        return true;
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, default);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken ct)
    {
        foreach (var record in records)
        {
            if (limit is null)
                await stream.WriteAsync(record.Bytes, ct);
            else
                await limit.WriteAsync(stream, record.Bytes, ct);
        }
    }
}
