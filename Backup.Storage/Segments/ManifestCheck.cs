using Backup.Protocol;
using Backup.Storage.Packs;

namespace Backup.Storage.Segments;

/// <summary>A manifest is taken only if it says the truth: its nodes are those it was sent to, its chunks are all here, and they add up to its size and digest.</summary>
internal sealed class ManifestCheck(PackStore store, PackBatch batch, ClientId client, NodeId[] nodes, NodeId self) : IDisposable
{
    private readonly RecordCodec codec = new();
    private readonly Dictionary<ChunkId, ChunkRef[]> lists = [];

    private readonly List<(Record Record, Manifest Manifest)> manifests = [];

    /// <summary>Remembers manifests and lists for the check at the end, and looks at what can be seen at once.</summary>
    public void Look(Record record)
    {
        switch (record.Header.Kind)
        {
            case RecordKind.Manifest:
                var manifest = Manifest.Decode(codec.Open(record, "client").Span, "client");
                if (!manifest.Head.Nodes.SequenceEqual(nodes))
                    throw Wrong(manifest, "names other nodes than it was sent to");
                manifests.Add((record.Share(), manifest));
                break;
            case RecordKind.List:
                if (manifests.Count > 0)
                    throw Failure.InvalidRequest("A segment's manifests come last, and a list follows one.").Exception();
                lists[record.Header.Id] = ChunkRef.Read(codec.Open(record, "client").Span);
                break;
            case RecordKind.Chunk:
                if (manifests.Count > 0)
                    throw Failure.InvalidRequest("A segment's manifests come last, and a chunk follows one.").Exception();
                CheckPacked(record);
                break;
            default:
                throw Failure.InvalidRequest($"A segment cannot hold a {record.Header.Kind} record.").Exception();
        }
    }

    /// <summary>A raw chunk's id is its digest, which was compared; what a packed one opens to is seen only here; what a sealed one does only its client sees.</summary>
    private void CheckPacked(Record chunk)
    {
        if (chunk.Header.Encoding != RecordEncoding.Zstd)
            return;
        try
        {
            codec.Open(chunk, "client");
        }
        catch (FailureException e) when (e.Failure.Code == FailureCode.Corrupt)
        {
            throw new Failure(FailureCode.DigestMismatch, $"Chunk {chunk.Header.Id} opens to something else on {self}.", "client", "Send it again; it was not stored.").Exception(e);
        }
    }

    /// <summary>Looks at every manifest of the segment once all its other records are in, and gives them out if all are right.</summary>
    public async Task<IReadOnlyList<(Record Record, Manifest Manifest)>> AllChunksAreHereAsync(CancellationToken ct)
    {
        foreach (var (_, manifest) in manifests)
            await CheckAsync(manifest, ct);
        return manifests;
    }

    public void Dispose()
    {
        foreach (var (record, _) in manifests)
            record.Dispose();
        codec.Dispose();
    }

    private async Task CheckAsync(Manifest manifest, CancellationToken ct)
    {
        using var digest = new ContentDigest();
        long sizeBytes = 0;
        foreach (var part in manifest.Head.HasLists ? manifest.Refs : [default])
        {
            var refs = manifest.Head.HasLists ? await ListAsync(part.Id, manifest, ct) : manifest.Refs;
            if (batch.Lacking(RecordKind.Chunk, refs.Select(r => r.Id)) is { } lacking)
                throw Missing(manifest, lacking);
            foreach (var (id, plainBytes) in refs)
            {
                digest.Add(id);
                sizeBytes += plainBytes;
            }
        }
        if (sizeBytes != manifest.Head.SizeBytes || digest.Finish() != manifest.Head.Digest)
            throw Wrong(manifest, "does not add up: its chunks give another size or digest than it states");
    }

    private async Task<ChunkRef[]> ListAsync(ChunkId id, Manifest manifest, CancellationToken ct)
    {
        if (lists.TryGetValue(id, out var refs))
            return refs;
        // Asked of the batch first: a list that is about to be collected is then kept.
        if (!batch.Has(RecordKind.List, id))
            throw Missing(manifest, id);
        using var record = await store.ReadAsync(client, RecordKind.List, id, ct) ?? throw Missing(manifest, id);
        return ChunkRef.Read(codec.Open(record, self.Value).Span);
    }

    private FailureException Missing(Manifest manifest, ChunkId id) => new Failure(FailureCode.MissingChunks,
        $"Node {self} lacks {id}, which '{manifest.Head.Path.Display}' needs.", self.Value, "Send the missing chunks, then the manifest again.").Exception();

    private static FailureException Wrong(Manifest manifest, string what) => new Failure(FailureCode.InvalidRequest,
        $"The manifest of '{manifest.Head.Path.Display}' {what}.", "client", "Place the file and send it again; nothing of it was stored.").Exception();
}
