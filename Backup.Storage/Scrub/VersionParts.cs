using System.Runtime.CompilerServices;
using Backup.Protocol;
using Backup.Storage.Packs;

namespace Backup.Storage.Scrub;

/// <summary>All that a version consists of on this node, by place: its manifest, its lists, its chunks.</summary>
internal static class VersionParts
{
    /// <summary>
    /// Each part once for every time it is named; one that is lacking or damaged has no place. Behind a manifest or a list
    /// that cannot be read it is not known what follows. Nothing when the node holds no such version.
    /// </summary>
    /// <param name="readAll">Chunks are read too, not only looked up: where one has rotted, its neighbours often have.</param>
    public static async IAsyncEnumerable<RecordLocation> FindAsync(
        PackStore store, ClientId client, long version, bool readAll, [EnumeratorCancellation] CancellationToken ct)
    {
        if (store.Index.FindManifest(client, version) is not { } id)
            yield break;
        var place = store.Locate(client, RecordKind.Manifest, [id])[0];
        using var record = await TryReadAsync(store, place, ct);
        yield return record is null ? Lacking(place) : place;
        if (record is null)
            yield break;
        var manifest = store.OpenManifest(record, store.Options.NodeId.Value);
        if (!manifest.Head.HasLists)
        {
            foreach (var chunk in store.Locate(client, RecordKind.Chunk, Array.ConvertAll(manifest.Refs, r => r.Id)))
                yield return readAll && !await IsGoodAsync(store, chunk, ct) ? Lacking(chunk) : chunk;
            yield break;
        }
        using var codec = new RecordCodec();
        foreach (var part in manifest.Refs)
        {
            var at = store.Locate(client, RecordKind.List, [part.Id])[0];
            using var list = await TryReadAsync(store, at, ct);
            yield return list is null ? Lacking(at) : at;
            if (list is null)
                continue;
            var refs = ChunkRef.Read(codec.Open(list, store.Options.NodeId.Value).Span);
            foreach (var chunk in store.Locate(client, RecordKind.Chunk, Array.ConvertAll(refs, r => r.Id)))
                yield return readAll && !await IsGoodAsync(store, chunk, ct) ? Lacking(chunk) : chunk;
        }
    }

    private static RecordLocation Lacking(RecordLocation at) => at with { Pack = 0 };

    private static async ValueTask<bool> IsGoodAsync(PackStore store, RecordLocation at, CancellationToken ct)
    {
        using var record = await TryReadAsync(store, at, ct);
        return record is not null;
    }

    private static async ValueTask<Record?> TryReadAsync(PackStore store, RecordLocation at, CancellationToken ct)
    {
        try
        {
            return await store.ReadAsync(at, ct);
        }
        catch (FailureException e) when (e.Failure.Code is FailureCode.Corrupt or FailureCode.DiskFailed)
        {
            return null;
        }
    }
}
