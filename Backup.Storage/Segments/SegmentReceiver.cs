using Backup.Protocol;
using Backup.Storage.Membership;
using Backup.Storage.Packs;

namespace Backup.Storage.Segments;

/// <summary>
/// Takes a segment in, the same way on the primary (④) and on the replica (⑤): each record is verified against its SHA-256
/// before it is appended, each manifest against what the node holds. A segment with anything wrong in it is refused whole:
/// nothing of it enters the index.
/// </summary>
public sealed class SegmentReceiver(PackStore store, Peers peers)
{
    /// <summary>Appended together, so that the index is asked once for all of them; no more, so that they are in the processor's cache still.</summary>
    private const int TogetherBytes = 256 << 10;

    private readonly NodeId self = peers.Self;

    /// <summary>Receives and appends; what was received is durable and visible only after <see cref="ReceivedSegment.CommitAsync"/>.</summary>
    /// <param name="pass">Called with each record as soon as it has arrived, before it is verified: how the primary passes it on.</param>
    public async Task<ReceivedSegment> ReceiveAsync(ClientId client, NodeId[] nodes, Stream body, Func<Record, ValueTask> pass, CancellationToken ct)
    {
        var segment = new ReceivedSegment(store.Begin(client));
        using var check = new ManifestCheck(store, segment.Batch, client, nodes, self);
        try
        {
            var reader = new RecordReader(body, "client");
            while (await reader.ReadAsync(ct) is { } record)
            {
                using (record)
                {
                    if (++segment.Received > Limits.SegmentRecordsMax || reader.BytesRead > Limits.SegmentBytesMax)
                        throw Failure.InvalidRequest($"A segment holds at most {Limits.SegmentRecordsMax} records and {Limits.SegmentBytesMax} bytes.").Exception();
                    await pass(record);
                    Verify(record, client);
                    check.Look(record);
                    if (record.Header.Kind != RecordKind.Manifest && segment.Keep(record) >= TogetherBytes)
                        await segment.AppendAsync(ct);
                    segment.Bytes = reader.BytesRead;
                }
            }
            await segment.AppendAsync(ct);
            // Manifests come last: a pack never holds one whose chunks were not there before it.
            var manifests = await check.AllChunksAreHereAsync(ct);
            segment.Manifests.AddRange(manifests.Select(m => m.Manifest));
            segment.Appended += await segment.Batch.AppendAsync([.. manifests.Select(m => m.Record)], ct, segment.Manifests);
            Measures.Received(segment.Bytes);
            return segment;
        }
        catch
        {
            segment.Dispose();
            throw;
        }
    }

    private void Verify(Record record, ClientId client)
    {
        var header = record.Header;
        if (header.Client != client)
            throw new Failure(FailureCode.Forbidden, $"A {header.Kind} record belongs to another client than the request.", "client", "Send only what is yours.").Exception();
        if (!record.DigestMatches() || !record.ChecksumMatches())
            throw new Failure(FailureCode.DigestMismatch, $"{header.Kind} {header.Id} does not match its SHA-256 as received by {self}.", "client",
                "Send it again; it was not stored.").Exception();
    }
}

/// <summary>A segment that has arrived whole and was found right.</summary>
public sealed class ReceivedSegment(PackBatch batch) : IDisposable
{
    /// <summary>Found right, and not appended yet.</summary>
    private readonly List<Record> kept = [];
    private long keptBytes;

    public PackBatch Batch { get; } = batch;

    /// <summary>The versions that end in this segment.</summary>
    public List<Manifest> Manifests { get; } = [];

    public int Received { get; set; }

    /// <summary>Records that were new here.</summary>
    public int Appended { get; set; }

    public long Bytes { get; set; }

    /// <summary>Keeps a record that was found right until it is appended with others.</summary>
    /// <returns>The bytes of those that wait.</returns>
    internal long Keep(Record record)
    {
        kept.Add(record.Share());
        return keptBytes += record.Header.RecordBytes;
    }

    /// <summary>Appends what was kept.</summary>
    internal async Task AppendAsync(CancellationToken ct)
    {
        Appended += await Batch.AppendAsync(kept, ct);
        LetGo();
    }

    /// <summary>On return all of it is on the disk and in the index.</summary>
    public async Task CommitAsync(CancellationToken ct)
    {
        using var step = Step.Begin("fsync and index").Tag(Tags.NewRecords, Appended);
        await Batch.CommitAsync(ct);
        step.Succeed();
    }

    public void Dispose()
    {
        LetGo();
        Batch.Dispose();
    }

    private void LetGo()
    {
        kept.ForEach(record => record.Dispose());
        kept.Clear();
        keptBytes = 0;
    }
}
