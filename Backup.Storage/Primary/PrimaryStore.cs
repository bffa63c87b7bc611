using Backup.Protocol;
using Backup.Storage.Membership;
using Backup.Storage.Packs;
using Backup.Storage.Segments;

namespace Backup.Storage.Primary;

/// <summary>
/// ④ The primary's part: takes a segment in and passes the same bytes on to each replica while they arrive (⑤), the manifests
/// last. It answers once the segment is durable here and on every replica.
/// </summary>
public sealed class PrimaryStore(PackStore store, Peers peers, SegmentReceiver receiver, VersionCopy copy)
{
    /// <param name="bodyBytes">How long the segment is, which is passed on: a replica receives what has a length with one copy less. Null where it is not known.</param>
    public async Task<StoreReply> StoreAsync(ClientId client, NodeId[] nodes, long epoch, Stream body, long? bodyBytes, CancellationToken ct)
    {
        peers.CheckEpoch(epoch);
        using var step = Step.Begin("④ primary").Tag(Tags.Node, peers.Self.Value);
        using var held = new HeldBack();
        var relays = nodes[1..].Select(id => new ReplicaRelay(id, peers, client, nodes, epoch, bodyBytes)).ToList();
        try
        {
            using var segment = await receiver.ReceiveAsync(client, nodes, body, record => PassOnAsync(relays, record, held), ct);
            step.Tag(Tags.Bytes, segment.Bytes).Tag(Tags.Records, segment.Received).Tag(Tags.NewRecords, segment.Appended);
            var replies = Task.WhenAll(relays.Select(relay => CompleteAsync(relay, client, nodes, epoch, segment, held, ct)));
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

    private static async ValueTask PassOnAsync(List<ReplicaRelay> relays, Record record, HeldBack held)
    {
        if (held.Keep(record))
            return;
        foreach (var relay in relays)
            await relay.SendAsync(record);
    }

    /// <summary>What the client did not send because it is here, the replica may lack: it gets that from here by itself, and then the manifests.</summary>
    private async Task CompleteAsync(ReplicaRelay relay, ClientId client, NodeId[] nodes, long epoch, ReceivedSegment segment, HeldBack held, CancellationToken ct)
    {
        try
        {
            // While it does, the replica waits for the rest of what it is receiving: it gets as much as a segment. More follows when it has said that it lacks it.
            if (relay.Failure is null)
                await copy.CopyLackingAsync(client, held.NotSent(segment.Manifests), relay.Replica, nodes, epoch, ct);
        }
        catch (FailureException)
        {
            // The replica itself will say what it lacks.
        }
        foreach (var manifest in held.Manifests)
            await relay.SendAsync(manifest);
        await relay.FinishAsync();
    }

    /// <summary>A replica that lacks chunks all the same, of a file of many segments, say, gets them from here.</summary>
    private async Task SettleAsync(ReplicaRelay relay, ClientId client, NodeId[] nodes, long epoch, ReceivedSegment segment, CancellationToken ct)
    {
        if (relay.Failure is null)
            return;
        if (relay.Failure.Code != FailureCode.MissingChunks)
            throw relay.Failure.Exception();
        await copy.CopyAsync(client, segment.Manifests, relay.Replica, nodes, epoch, ct);
    }

    /// <summary>The manifests of a segment, which go to the replicas when all they name has gone there.</summary>
    private sealed class HeldBack : IDisposable
    {
        private readonly HashSet<ChunkId> sent = [];

        public List<Record> Manifests { get; } = [];

        /// <returns>False when the record is to be sent at once.</returns>
        public bool Keep(Record record)
        {
            if (record.Header.Kind == RecordKind.Manifest)
                Manifests.Add(record.Share());
            else
                sent.Add(record.Header.Id);
            return record.Header.Kind == RecordKind.Manifest;
        }

        /// <summary>Of a file that has lists the chunks came with earlier segments.</summary>
        public IEnumerable<ChunkId> NotSent(IEnumerable<Manifest> manifests) =>
            manifests.Where(manifest => !manifest.Head.HasLists).SelectMany(manifest => manifest.Refs).Select(part => part.Id).Where(id => !sent.Contains(id)).Distinct();

        public void Dispose() => Manifests.ForEach(manifest => manifest.Dispose());
    }
}
