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
                    if (record.Header.Kind != RecordKind.Manifest && await segment.Batch.AppendAsync(record, ct))
                        segment.Appended++;
                    segment.Bytes = reader.BytesRead;
                }
            }
            // Manifests come last: a pack never holds one whose chunks were not there before it.
            foreach (var (record, manifest) in await check.AllChunksAreHereAsync(ct))
            {
                segment.Manifests.Add(manifest);
                if (await segment.Batch.AppendAsync(record, ct, manifest))
                    segment.Appended++;
            }
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
    public PackBatch Batch { get; } = batch;

    /// <summary>The versions that end in this segment.</summary>
    public List<Manifest> Manifests { get; } = [];

    public int Received { get; set; }

    /// <summary>Records that were new here.</summary>
    public int Appended { get; set; }

    public long Bytes { get; set; }

    /// <summary>On return all of it is on the disk and in the index.</summary>
    public async Task CommitAsync(CancellationToken ct)
    {
        using var step = Step.Begin("fsync and index").Tag(Tags.NewRecords, Appended);
        await Batch.CommitAsync(ct);
        step.Succeed();
    }

    public void Dispose() => Batch.Dispose();
}
