using Backup.Protocol;
using Backup.Storage.Membership;
using Backup.Storage.Packs;
using Backup.Storage.Segments;

namespace Backup.Storage.Primary;

/// <summary>
/// ④ The primary's part: takes a segment in and passes the same bytes on to each replica while they arrive (⑤).
/// It answers once the segment is durable here and on every replica.
/// </summary>
public sealed class PrimaryStore(PackStore store, Peers peers, SegmentReceiver receiver, VersionCopy copy)
{
    public async Task<StoreReply> StoreAsync(ClientId client, NodeId[] nodes, long epoch, Stream body, CancellationToken ct)
    {
        peers.CheckEpoch(epoch);
        using var step = Step.Begin("④ primary").Tag(Tags.Node, peers.Self.Value);
        var relays = nodes[1..].Select(id => new ReplicaRelay(id, peers, client, nodes, epoch)).ToList();
        try
        {
            using var segment = await receiver.ReceiveAsync(client, nodes, body, record => PassOnAsync(relays, record), ct);
            step.Tag(Tags.Bytes, segment.Bytes).Tag(Tags.Records, segment.Received).Tag(Tags.NewRecords, segment.Appended);
            var replies = Task.WhenAll(relays.Select(r => r.FinishAsync()));
            await segment.CommitAsync(ct);
            await replies;
            // What is durable here serves the next attempt, whatever became of the replicas.
            foreach (var relay in relays)
                await SettleAsync(relay, client, nodes, epoch, segment, ct);
            step.Succeed();
            return new StoreReply(nodes, segment.Appended, segment.Bytes);
        }
        finally
        {
            foreach (var relay in relays)
                await relay.DisposeAsync();
        }
    }

    /// <summary>Which chunks this node lacks.</summary>
    public MissingReply Missing(ClientId client, MissingRequest request)
    {
        if (request.Chunks.Length > Limits.SegmentRecordsMax)
            throw Failure.InvalidRequest($"At most {Limits.SegmentRecordsMax} chunks are asked for at once.").Exception();
        var missing = store.Missing(client, request.Chunks);
        Measures.ChunksAsked.Add(request.Chunks.Length);
        Measures.ChunksDeduplicated.Add(request.Chunks.Length - missing.Length);
        return new MissingReply(missing);
    }

    private static async ValueTask PassOnAsync(List<ReplicaRelay> relays, Record record)
    {
        foreach (var relay in relays)
            await relay.SendAsync(record);
    }

    /// <summary>A replica that lacks chunks the client never sent, because the primary has them, gets them from the primary.</summary>
    private async Task SettleAsync(ReplicaRelay relay, ClientId client, NodeId[] nodes, long epoch, ReceivedSegment segment, CancellationToken ct)
    {
        if (relay.Failure is null)
            return;
        if (relay.Failure.Code != FailureCode.MissingChunks)
            throw relay.Failure.Exception();
        await copy.CopyAsync(client, segment.Manifests, relay.Replica, nodes, epoch, ct);
    }
}
