using Backup.Protocol;
using Backup.Storage.Membership;
using Backup.Storage.Packs;

namespace Backup.Storage.Primary;

/// <summary>Copies versions that this node holds to another node, through the same segments an upload uses: only what is missing there, manifests last.</summary>
public sealed class VersionCopy(PackStore store, Peers peers)
{
    /// <summary>Ids asked for at once: a list of chunks, which is the most that is in memory anyway.</summary>
    private const int AskedMax = 4096;

    /// <returns>Bytes that travelled.</returns>
    public async Task<long> CopyAsync(ClientId client, IReadOnlyList<Manifest> manifests, NodeId to, NodeId[] nodes, long epoch, CancellationToken ct)
    {
        using var step = Step.Begin("copy versions").Tag(Tags.Node, to.Value).Tag(Tags.Files, manifests.Count);
        using var segment = new Segment();
        using var codec = new RecordCodec();
        var bytes = 0L;
        foreach (var manifest in manifests)
        {
            foreach (var part in manifest.Refs.Chunk(manifest.Head.HasLists ? 1 : AskedMax))
            {
                var refs = part;
                if (manifest.Head.HasLists)
                {
                    var list = await HaveAsync(client, RecordKind.List, part[0].Id, ct);
                    refs = ChunkRef.Read(codec.Open(list, peers.Self.Value).Span);
                    segment.Add(list);
                }
                foreach (var some in refs.Chunk(AskedMax))
                    bytes += await AddMissingAsync(segment, client, [.. some.Select(r => r.Id).Distinct()], to, nodes, epoch, ct);
            }
        }
        foreach (var manifest in manifests)
        {
            segment.Add(Record.Of(RecordKind.Manifest, client, manifest.Encode()));
            if (segment.IsFull)
                bytes += await SendAsync(segment, client, to, nodes, epoch, ct);
        }
        bytes += await SendAsync(segment, client, to, nodes, epoch, ct);
        step.Succeed();
        return bytes;
    }

    private async Task<long> AddMissingAsync(Segment segment, ClientId client, ChunkId[] chunks, NodeId to, NodeId[] nodes, long epoch, CancellationToken ct)
    {
        var reply = await (await peers.NodeAsync(to, ct)).MissingAsync(client, to.Value, new MissingRequest(chunks), ct);
        var bytes = 0L;
        foreach (var i in reply.Missing)
        {
            segment.Add(await HaveAsync(client, RecordKind.Chunk, chunks[i], ct));
            if (segment.IsFull)
                bytes += await SendAsync(segment, client, to, nodes, epoch, ct);
        }
        return bytes;
    }

    private async Task<long> SendAsync(Segment segment, ClientId client, NodeId to, NodeId[] nodes, long epoch, CancellationToken ct)
    {
        if (segment.IsEmpty)
            return 0;
        var bytes = segment.Records.Sum(record => (long)record.Header.RecordBytes);
        await (await peers.ReplicaAsync(to, ct)).StoreReplicaAsync(client, string.Join(',', nodes), epoch, new RecordsContent(segment.Records), ct);
        segment.Clear();
        return bytes;
    }

    private async Task<Record> HaveAsync(ClientId client, RecordKind kind, ChunkId id, CancellationToken ct) =>
        await store.ReadAsync(client, kind, id, ct) ?? throw new Failure(FailureCode.MissingChunks, $"Node {peers.Self} lacks {kind} {id}.", peers.Self.Value,
            "Send the file again.").Exception();
}
