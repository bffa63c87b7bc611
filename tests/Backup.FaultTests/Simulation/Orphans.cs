using Backup.Protocol;
using Backup.Storage.Packs;

namespace Backup.FaultTests.Simulation;

/// <summary>I5: after two collections beyond the grace time a node holds no chunk that none of its manifests names.</summary>
internal static class Orphans
{
    private const int Many = 1_000_000;

    public static async Task FindAsync(PackStore store, Action<string> violation)
    {
        var node = store.Options.NodeId;
        foreach (var client in store.Index.Clients)
        {
            var named = new HashSet<ChunkId>();
            foreach (var (version, id) in store.Index.ManifestsAfter(client, 0, Many))
            {
                // Of a version that was never committed there may be no other copy to repair it from.
                if (store.Index.IsDamaged(new RecordKey(client, RecordKind.Manifest, id)))
                    return;
                using var record = await store.ReadAsync(client, RecordKind.Manifest, id, default);
                if (record is not null)
                    named.UnionWith(await ChunksAsync(store, client, store.OpenManifest(record, node.Value)));
                else if (store.Index.FindManifest(client, version) == id)
                    violation($"I1: the index of {node} names manifest {id} of version {version} of {client} and does not know where it is");
            }
            foreach (var record in store.Index.RecordsAfter(new RecordKey(client, RecordKind.Chunk, default), Many))
            {
                if (record.Key.Kind == RecordKind.Chunk && !named.Contains(record.Key.Id))
                    violation($"I5: {node} still holds {record.Key}, which nothing names");
            }
        }
    }

    /// <summary>Those of a large file stand in lists.</summary>
    private static async Task<IEnumerable<ChunkId>> ChunksAsync(PackStore store, ClientId client, Manifest manifest)
    {
        if (!manifest.Head.HasLists)
            return manifest.Refs.Select(part => part.Id);
        var chunks = new List<ChunkId>();
        using var codec = new RecordCodec();
        foreach (var list in manifest.Refs)
        {
            using var record = await store.ReadAsync(client, RecordKind.List, list.Id, default);
            chunks.AddRange(ChunkRef.Read(codec.Open(record!, store.Options.NodeId.Value).Span).Select(part => part.Id));
        }
        return chunks;
    }
}
