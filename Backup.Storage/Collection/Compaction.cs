using Backup.Protocol;
using Backup.Storage.Packs;

namespace Backup.Storage.Collection;

/// <summary>
/// Rewrites a pack: ① copies its live records to the current pack, slice by slice, each slice fsynced before its rows move;
/// ② notes in the index that nothing in the old pack counts any more, and waits until that is in its database on the disk; ③ deletes the file.
/// A crash in ① leaves copies that are waste, and rows that have moved or not; one in ② or ③ is finished at the next start.
/// <para>
/// The danger is order: replay takes the later of two manifests of a version, and lets a Forget record end what lies before it.
/// So a manifest is copied while its version is claimed, which keeps a newer one from being written before the copy, and under the
/// lock that versions are forgotten under. A Forget record is copied without the versions that were stored again since, and is
/// dropped once no older pack exists that could bring a manifest back.
/// </para>
/// </summary>
internal sealed partial class Compaction(PackStore store, ILogger log)
{
    /// <summary>A slice is one fsync and one transaction, during which nothing is forgotten.</summary>
    private const long SliceBytes = 16 << 20;
    private const int SliceRecords = 2_048;

    /// <returns>False when something in it cannot move now; it stays until another time.</returns>
    public async Task<bool> RunAsync(PackRow pack, CancellationToken ct)
    {
        foreach (var slice in Slices(pack))
            await CopyAsync(pack.Number, slice, ct); // ①
        // What the walk did not meet, because a header in the pack is damaged, is read by its place: it is whole or is noted.
        while (Left(pack.Number) is { Count: > 0 } left)
        {
            await CopyAsync(pack.Number, left, ct);
            if (Left(pack.Number).Count >= left.Count)
            {
                LogLeft(pack.Number, left.Count);
                return false;
            }
        }
        using (var last = new PackBatch(store, default))
            await last.PassAsync();
        return Remove(pack.Number);
    }

    /// <summary>The pack's records that were live a moment ago.</summary>
    private IEnumerable<List<RecordLocation>> Slices(PackRow pack)
    {
        using var file = store.Options.Disk.Open(PackFiles.Pack(store.Options.Directory, pack.Number), FileMode.Open, FileAccess.Read);
        var end = pack.Length - (pack.State == PackState.Sealed ? PackSeal.LengthBytes : 0);
        var slice = new List<RecordLocation>();
        var bytes = 0L;
        foreach (var piece in new PackScanner(store.Options.Disk, file, end, checkPayloads: false).From(PackHeader.LengthBytes))
        {
            if (piece.Header is not { } header)
                continue;
            var at = new RecordLocation(RecordKey.Of(header), pack.Number, piece.Offset, header.StoredBytes);
            if (store.Index.Find(at.Key) != at)
                continue;
            slice.Add(at);
            bytes += piece.Bytes;
            if (bytes < SliceBytes && slice.Count < SliceRecords)
                continue;
            yield return slice;
            slice = [];
            bytes = 0;
        }
        if (slice.Count > 0)
            yield return slice;
    }

    private async Task CopyAsync(int pack, List<RecordLocation> slice, CancellationToken ct)
    {
        await store.Order.WaitAsync(ct);
        var claims = new List<ClaimedVersions>();
        try
        {
            using var batch = new PackBatch(store, default) { MayUseReserve = true };
            foreach (var at in slice)
            {
                using var record = await ReadAsync(at, ct);
                if (record is null)
                    continue;
                var claimed = new ClaimedVersions(store.Versions, at.Key.Client);
                claims.Add(claimed);
                if (at.Key.Kind == RecordKind.Manifest)
                    await CopyManifestAsync(batch, record, at, claimed, ct);
                else if (at.Key.Kind == RecordKind.Forget)
                    await CopyForgetAsync(batch, record, at, claimed, ct);
                else if (store.Index.Find(at.Key) == at)
                    await batch.MoveAsync(record, at, ct);
            }
            // Once handed over it finishes; the claims and the lock must last as long.
            await batch.CommitAsync(CancellationToken.None);
        }
        finally
        {
            claims.ForEach(claim => claim.Dispose());
            store.Order.Release();
        }
        LogCopied(pack, slice.Count);
    }

    private async Task CopyManifestAsync(PackBatch batch, Record record, RecordLocation at, ClaimedVersions claimed, CancellationToken ct)
    {
        var version = store.OpenManifest(record, store.Options.NodeId.Value).Head.Version;
        if (!claimed.TryAdd(version, at.Key.Id))
            return;
        if (store.Index.FindManifest(at.Key.Client, version) != at.Key.Id)
            batch.Moves.Add((at, default));
        else if (store.Index.Find(at.Key) == at)
            await batch.MoveAsync(record, at, ct);
    }

    private async Task CopyForgetAsync(PackBatch batch, Record record, RecordLocation at, ClaimedVersions claimed, CancellationToken ct)
    {
        var versions = ForgottenVersions.TryRead(record.Payload.Span) ?? [];
        var isNeeded = store.Index.Packs().Any(pack => pack.Number < at.Pack && pack.State != PackState.Removed && pack.Length > 0);
        if (!Forgetting.TryClaim(claimed, versions))
            return;
        var gone = versions.Where(version => store.Index.FindManifest(at.Key.Client, version) is null).ToArray();
        if (!isNeeded || gone.Length == 0)
        {
            batch.Moves.Add((at, default));
            return;
        }
        using var copy = gone.Length == versions.Length ? record.Share() : ForgottenVersions.ToRecord(at.Key.Client, gone);
        await batch.MoveAsync(copy, at, ct);
    }

    /// <returns>Null when it is not there any more, or is damaged: that is noted, and what is damaged is not copied onwards.</returns>
    private async Task<Record?> ReadAsync(RecordLocation at, CancellationToken ct)
    {
        try
        {
            return await store.ReadAsync(at, ct);
        }
        catch (FailureException) when (store.Index.Find(at.Key) != at)
        {
            return null;
        }
    }

    /// <summary>A look at all rows, which an index by pack would save at the price of a fifth of the index.</summary>
    private List<RecordLocation> Left(int pack)
    {
        List<RecordLocation> left = [];
        store.Index.Write(index => left = index.RecordsOf(pack, SliceRecords));
        return left;
    }

    private bool Remove(int pack)
    {
        var isEmpty = false;
        store.Index.WriteThrough(index => // ②
        {
            isEmpty = index.RecordsOf(pack, 1).Count == 0;
            if (isEmpty)
                index.SetPack(new PackRow(pack, PackState.Removed, 0, 0));
        });
        if (!isEmpty)
            return false;
        if (!store.Index.TrySettle())
        {
            LogKept(pack);
            return false;
        }
        store.Options.Disk.Delete(PackFiles.Pack(store.Options.Directory, pack)); // ③
        store.Drop(pack);
        store.Options.Disk.SyncDirectory(PackFiles.Folder(store.Options.Directory));
        LogRemoved(pack);
        return true;
    }

    [LoggerMessage(LogLevel.Debug, "{Records} records of pack {Pack} were copied")]
    private partial void LogCopied(int pack, int records);

    [LoggerMessage(LogLevel.Information, "Pack {Pack} was compacted and removed")]
    private partial void LogRemoved(int pack);

    [LoggerMessage(LogLevel.Warning, "Pack {Pack} was compacted; its file stays until the next start, since the index was too busy to be written out")]
    private partial void LogKept(int pack);

    [LoggerMessage(LogLevel.Warning, "Pack {Pack} is not removed yet: {Records} of its records cannot move now")]
    private partial void LogLeft(int pack, int records);
}
