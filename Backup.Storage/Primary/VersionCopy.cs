using System.Runtime.CompilerServices;
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
        var (bytes, asked) = (0L, new HashSet<ChunkId>());
        foreach (var manifest in manifests)
        {
            if (!manifest.Head.HasLists)
                asked.UnionWith(manifest.Refs.Select(part => part.Id));
            foreach (var part in manifest.Head.HasLists ? manifest.Refs : [])
            {
                var list = await HaveAsync(client, RecordKind.List, part.Id, ct);
                bytes += await AddAsync(segment, list, client, to, nodes, epoch, ct);
                asked.UnionWith(ChunkRef.Read(codec.Open(list, peers.Self.Value).Span).Select(chunk => chunk.Id));
                bytes += await AddLackingAsync(segment, client, asked, to, nodes, epoch, ct);
            }
            // Small files are asked for together.
            if (asked.Count >= AskedMax)
                bytes += await AddLackingAsync(segment, client, asked, to, nodes, epoch, ct);
        }
        bytes += await AddLackingAsync(segment, client, asked, to, nodes, epoch, ct);
        foreach (var manifest in manifests)
            bytes += await AddAsync(segment, Record.Of(RecordKind.Manifest, client, manifest.Encode()), client, to, nodes, epoch, ct);
        bytes += await SendAsync(segment, client, to, nodes, epoch, ct);
        step.Succeed();
        return bytes;
    }

    /// <summary>Copies those of these chunks that another node lacks, but no more than a segment of them: somebody waits.</summary>
    public async Task CopyLackingAsync(ClientId client, IEnumerable<ChunkId> chunks, NodeId to, NodeId[] nodes, long epoch, CancellationToken ct)
    {
        using var segment = new Segment();
        await foreach (var record in LackingAsync(client, chunks, to, ct))
        {
            segment.Add(record);
            if (segment.IsFull)
                break;
        }
        await SendAsync(segment, client, to, nodes, epoch, ct);
    }

    /// <summary>Those of these chunks that another node lacks, read here.</summary>
    private async IAsyncEnumerable<Record> LackingAsync(ClientId client, IEnumerable<ChunkId> chunks, NodeId at, [EnumeratorCancellation] CancellationToken ct)
    {
        foreach (var some in chunks.Chunk(AskedMax))
        {
            var reply = await (await peers.NodeAsync(at, ct)).MissingAsync(client, at.Value, new MissingRequest(some), ct);
            foreach (var i in reply.Missing)
                yield return await HaveAsync(client, RecordKind.Chunk, some[i], ct);
        }
    }

    private async Task<long> AddLackingAsync(Segment segment, ClientId client, HashSet<ChunkId> asked, NodeId to, NodeId[] nodes, long epoch, CancellationToken ct)
    {
        var bytes = 0L;
        await foreach (var record in LackingAsync(client, asked, to, ct))
            bytes += await AddAsync(segment, record, client, to, nodes, epoch, ct);
        asked.Clear();
        return bytes;
    }

    /// <returns>What was sent of the segment, which it filled.</returns>
    private async Task<long> AddAsync(Segment segment, Record record, ClientId client, NodeId to, NodeId[] nodes, long epoch, CancellationToken ct)
    {
        segment.Add(record);
        return segment.IsFull ? await SendAsync(segment, client, to, nodes, epoch, ct) : 0;
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
