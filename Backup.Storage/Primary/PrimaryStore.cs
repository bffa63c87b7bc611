using System.Diagnostics;
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
        using var span = Telemetry.Source.StartActivity("④ primary");
        span?.SetTag("backup.node", peers.Self.Value);
        var relays = nodes[1..].Select(id => new ReplicaRelay(id, peers, client, nodes, epoch)).ToList();
        try
        {
            using var segment = await receiver.ReceiveAsync(client, nodes, body, record => PassOnAsync(relays, record), ct);
            span?.SetTag("backup.bytes", segment.Bytes);
            var replies = Task.WhenAll(relays.Select(r => r.FinishAsync()));
            await segment.CommitAsync(ct);
            await replies;
            // What is durable here serves the next attempt, whatever became of the replicas.
            foreach (var relay in relays)
                await SettleAsync(relay, client, nodes, epoch, segment, ct);
            return new StoreReply(nodes, segment.Appended, segment.Bytes);
        }
        finally
        {
            foreach (var relay in relays)
                await relay.DisposeAsync();
        }
    }

    /// <summary>Which chunks this node lacks.</summary>
    public MissingReply Missing(ClientId client, MissingRequest request) => request.Chunks.Length <= Limits.SegmentRecordsMax
        ? new MissingReply(store.Missing(client, request.Chunks))
        : throw Failure.InvalidRequest($"At most {Limits.SegmentRecordsMax} chunks are asked for at once.").Exception();

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
