using Backup.Protocol;

namespace Backup.Storage.Packs;

/// <summary>
/// The records of one segment on their way into the store. One caller uses it, for one client, and commits it once.
/// Disposed without a commit, nothing of it is visible; its bytes stay in the pack as waste until that is compacted.
/// </summary>
public sealed class PackBatch : IDisposable
{
    /// <summary>Keeps the answer, 72 bytes each, below what is a large array to the collector.</summary>
    private const int AskedAtOnceMax = 1024;

    private readonly PackStore store;
    private readonly HashSet<(RecordKind, ChunkId)> appended = [];
    private readonly TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool isHandedOver;
    private bool isReleased;
    private bool isBroken;

    internal PackBatch(PackStore store, ClientId client)
    {
        this.store = store;
        Client = client;
        store.Sweeps.Enter(this);
    }

    public ClientId Client { get; }

    /// <summary>What was appended, in order.</summary>
    internal List<RecordLocation> Records { get; } = [];

    /// <summary>The versions whose manifests were appended.</summary>
    internal List<(long Version, string Path, ChunkId Id)> Manifests { get; } = [];

    /// <summary>Records that were copied from one pack to another.</summary>
    internal List<(RecordLocation From, RecordLocation To)> Moves { get; } = [];

    /// <summary>Versions that this batch forgets.</summary>
    internal List<(RecordLocation At, long[] Versions)> Forgets { get; } = [];

    /// <summary>Collection frees space, and must work on a disk that takes no more data.</summary>
    internal bool MayUseReserve { get; init; }

    internal HashSet<OpenPack> Packs { get; } = [];

    /// <summary>Whether it only waits until the committer is done.</summary>
    internal bool IsPass { get; private set; }

    /// <summary>Whether the store holds this record durably, or this batch has appended it.</summary>
    public bool Has(RecordKind kind, ChunkId id) => Lacking(kind, [id]) is null;

    /// <summary>One of these that neither the store holds durably nor this batch has appended; null when all are there.</summary>
    public ChunkId? Lacking(RecordKind kind, IEnumerable<ChunkId> ids)
    {
        // Of new files all is in the batch itself, and the index need not be asked: what it appended is revived when it is indexed.
        foreach (var asked in ids.Where(id => !appended.Contains((kind, id))).Chunk(AskedAtOnceMax))
        {
            var place = Array.FindIndex(store.Index.Rely(Client, kind, asked), record => !record.IsHeld);
            if (place >= 0)
                return asked[place];
        }
        return null;
    }

    /// <summary>
    /// Appends records whose digests the caller has verified, with one question to the index for each kind. The caller keeps
    /// its ownership; their bytes are not copied. A manifest is opened and checked, because its path and version are indexed.
    /// </summary>
    /// <param name="opened">The decoded manifests of the records, which are then all manifests, where the caller has them already.</param>
    /// <returns>How many were not there already: nothing was written of the others.</returns>
    /// <exception cref="FailureException">
    /// InvalidRequest: another client's record, no manifest, or a version that has other content. NodeFull, DiskFailed: nothing of the batch can be acknowledged.
    /// </exception>
    public async ValueTask<int> AppendAsync(IReadOnlyList<Record> records, CancellationToken ct, IReadOnlyList<Manifest>? opened = null)
    {
        foreach (var record in records)
            Check(record);
        var before = Records.Count;
        var held = new HashSet<(RecordKind, ChunkId)>();
        foreach (var kind in records.GroupBy(record => record.Header.Kind))
            held.UnionWith(store.Index.Rely(Client, kind.Key, [.. kind.Select(record => record.Header.Id)]).Where(at => at.IsHeld).Select(at => (at.Key.Kind, at.Key.Id)));
        for (var i = 0; i < records.Count; i++)
        {
            var key = (records[i].Header.Kind, records[i].Header.Id);
            if (!held.Contains(key) && !appended.Contains(key))
                await AppendNewAsync(records[i], opened?[i], ct);
        }
        return Records.Count - before;
    }

    /// <summary>The same for one.</summary>
    /// <returns>False when it was there already and nothing was written.</returns>
    public async ValueTask<bool> AppendAsync(Record record, CancellationToken ct) => await AppendAsync([record], ct) == 1;

    private void Check(Record record)
    {
        ObjectDisposedException.ThrowIf(isHandedOver || isReleased, this);
        if (record.Header.Client != Client)
            throw Failure.InvalidRequest($"A record of client {record.Header.Client} was sent for client {Client}.").Exception();
        if (record.Header.Kind is not (RecordKind.Chunk or RecordKind.List or RecordKind.Manifest))
            throw Failure.InvalidRequest($"Records of kind {record.Header.Kind} are not stored.").Exception();
    }

    private async ValueTask AppendNewAsync(Record record, Manifest? opened, CancellationToken ct)
    {
        var header = record.Header;
        // Whoever commits although an append was refused would believe that the record is stored.
        isBroken = true;
        if (header.Kind == RecordKind.Manifest)
            await ClaimVersionAsync(header.Id, (opened ?? store.OpenManifest(record, "client")).Head, ct);
        Records.Add(await WriteAsync(record, ct));
        appended.Add((header.Kind, header.Id));
    }

    /// <summary>Copies a record into the current pack; its row moves when the batch is committed, unless it has gone by then.</summary>
    internal async ValueTask MoveAsync(Record record, RecordLocation from, CancellationToken ct) => Moves.Add((from, await WriteAsync(record, ct)));

    internal async ValueTask ForgetAsync(Record record, long[] versions, CancellationToken ct) => Forgets.Add((await WriteAsync(record, ct), versions));

    /// <summary>
    /// On return everything that was appended is on the disk, with its pack's name, and indexed. One fsync serves all batches that wait.
    /// Giving up waiting does not take the batch back.
    /// </summary>
    /// <exception cref="FailureException">DiskFailed or NodeFull: nothing of it is visible and nothing may be acknowledged.</exception>
    public Task CommitAsync(CancellationToken ct)
    {
        ObjectDisposedException.ThrowIf(isReleased && !isHandedOver, this);
        if (isBroken)
            throw new InvalidOperationException("An append of this batch failed: it can only be disposed.");
        if (!isHandedOver)
        {
            isHandedOver = true;
            // What was held already was indexed, and so fsynced, before.
            if (Records.Count + Moves.Count + Forgets.Count == 0)
                Finish(null);
            else
                store.Commits.Add(this);
        }
        return done.Task.WaitAsync(ct);
    }

    /// <summary>On return the committer has finished all it was doing, sealing of packs included.</summary>
    internal Task PassAsync()
    {
        isHandedOver = IsPass = true;
        store.Commits.Add(this);
        return done.Task;
    }

    /// <summary>Gives up a batch that was not committed. One that was handed over finishes by itself.</summary>
    public void Dispose()
    {
        if (!isHandedOver)
            Release();
    }

    /// <summary>Called once by the committer, when the batch is indexed or has failed.</summary>
    internal void Finish(Failure? failure)
    {
        Release();
        if (failure is null)
            done.SetResult();
        else
            done.SetException(failure.Exception());
    }

    private void Release()
    {
        if (isReleased)
            return;
        isReleased = true;
        store.Sweeps.Leave(this);
        store.Appender.Forget(this);
        foreach (var (version, _, _) in Manifests)
            store.Versions.Release(Client, version);
    }

    private async ValueTask<RecordLocation> WriteAsync(Record record, CancellationToken ct)
    {
        isBroken = true;
        var (pack, offset) = await store.Appender.AppendAsync(this, record.Bytes, ct);
        Packs.Add(pack);
        isBroken = false;
        return new RecordLocation(RecordKey.Of(record.Header), pack.Number, offset, record.Header.StoredBytes);
    }

    /// <summary>A manifest that is damaged says nothing any more: the one that is stored now, by repair or by a client that sends again, takes its place.</summary>
    private async ValueTask<Record?> TryReadAsync(long version, CancellationToken ct)
    {
        try
        {
            return await store.ReadManifestAsync(Client, version, ct);
        }
        catch (FailureException e) when (e.Failure.Code == FailureCode.Corrupt)
        {
            return null;
        }
    }

    private async ValueTask ClaimVersionAsync(ChunkId id, ManifestHead head, CancellationToken ct)
    {
        if (!store.Versions.TryClaim(Client, head.Version, id))
            throw new Failure(FailureCode.Busy, $"Version {head.Version} of '{head.Path.Display}' is being stored by another request.", "client",
                "Send it again in a moment.").Exception();
        // From here on it is released with the batch. Only after the claim can the index not change under the question.
        Manifests.Add((head.Version, head.Path.Value, id));
        if (store.Index.FindManifest(Client, head.Version) is not { } at || at == id)
            return;
        using var held = await TryReadAsync(head.Version, ct);
        if (held is not null && !head.HasContentOf(store.OpenManifest(held, "client").Head))
            throw Failure.InvalidRequest($"Version {head.Version} is stored already with other content than this of '{head.Path.Display}'.").Exception();
    }
}
