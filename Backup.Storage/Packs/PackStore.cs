using Backup.Protocol;

namespace Backup.Storage.Packs;

/// <summary>
/// What a node stores: records in append-only packs, found through an index that can be made anew from them.
/// docs/formats.md has the bytes. A record is durable when its batch's commit has returned, and is checked each time it is read.
/// Everything here may be called by many at once, except a batch, which has one owner.
/// </summary>
public sealed partial class PackStore : IAsyncDisposable
{
    /// <summary>How much damage is listed; a disk that has lost more needs no longer list.</summary>
    private const int DamageListedMax = 1_000;

    /// <summary>EIO: the disk itself says that it cannot read these bytes.</summary>
    private const int InputOutputError = 5;

    private readonly PackStoreOptions options;
    private readonly DirectoryLock held;
    private readonly PackReader reader;
    private volatile NodeIdentity identity;
    private readonly DiskSpace space;
    private readonly ILogger log;

    private PackStore(PackStoreOptions options, DirectoryLock held, NodeIdentity identity, PackIndex index, bool isRebuilt, ILogger log, TimeProvider time, CancellationToken ct)
    {
        (this.options, this.held, this.log, this.identity, Index) = (options, held, log, identity, index);
        reader = new PackReader(options.Disk, options.Directory);
        space = new DiskSpace(options.Disk, options.Directory, options.ReserveBytes);
        var recovery = new Recovery(options, identity, index, OpenManifest, log);
        recovery.Run(ct);
        (MayLackVersions, MayHoldParts) = (isRebuilt, isRebuilt || index.Damage(1).Count > 0);
        Appender = new PackAppender(options, identity, index, space, time, recovery.Resumed, recovery.LastNumber);
        Sweeps = new SweepClock(index.LastSweep);
        Commits = new GroupCommit(this, options.NodeId.Value, log);
    }

    /// <summary>Made when the data directory was first used; another one means the data is not the same.</summary>
    public Guid Incarnation => identity.Incarnation;

    /// <summary>The last epoch that was entered with this directory; 0 before the first, null in a directory of a format that did not note it.</summary>
    public long? LastEpoch => identity.FormatVersion < NodeIdentity.EpochFormatVersion ? null : identity.LastEpoch;

    /// <summary>
    /// The index was made anew: a version whose manifest is damaged in its pack, or was before the pack was compacted, is not known any
    /// more, and is missed by nobody here. Until the node has registered and had its copies compared.
    /// </summary>
    public bool MayLackVersions { get; private set; }

    /// <summary>
    /// A manifest may be here without all it names: its chunks were damaged, or, where the index was made anew, a crash may have cut
    /// short a write of both that was never acknowledged. Until the first walk of the scrub has repaired it.
    /// </summary>
    public bool MayHoldParts { get; }

    /// <summary>Writes an epoch down before anything is done in it, so that an older copy of the directory is known for what it is.</summary>
    /// <exception cref="FailureException">DiskFailed, NodeFull: it was not written.</exception>
    public void EnterEpoch(long epoch, long generation)
    {
        try
        {
            var entered = identity.At(epoch, generation);
            entered.Write(options.Disk, options.Directory);
            identity = entered;
            MayLackVersions = false;
        }
        catch (Exception e) when (DiskFailure.Is(e))
        {
            throw DiskFailure.Of(e, Node, "writing its epoch down").Exception(e);
        }
    }

    /// <summary>The highest generation of the metadata that was heard of by then.</summary>
    public long Generation => identity.Generation;

    /// <summary>Whether any version is held.</summary>
    public bool HoldsFiles => Index.Clients.Any(client => Index.ManifestsAfter(client, long.MinValue, 1).Count > 0);

    /// <summary>Places that are damaged, in the order of the packs; the first thousand of them.</summary>
    public IReadOnlyList<Damage> Damage => Index.Damage(DamageListedMax);

    /// <summary>Records that were stored whole and are damaged now, as far as it is known which; those listed at most.</summary>
    public int DamagedRecords => Damage.Count(damage => damage is { IsLoss: true, Key: not null });

    internal PackIndex Index { get; }

    internal PackAppender Appender { get; }

    internal GroupCommit Commits { get; }

    internal SweepClock Sweeps { get; }

    internal VersionClaims Versions { get; } = new();

    private string Node => options.NodeId.Value;

    /// <summary>Opens a data directory, or makes one. Replays what a crash left, and rebuilds the index where it is missing or damaged.</summary>
    /// <exception cref="FailureException">
    /// LocalFailed: in use, or another node's. VersionUnsupported: a newer format. DiskFailed, NodeFull: the disk cannot be written.
    /// </exception>
    public static Task<PackStore> OpenAsync(PackStoreOptions options, ILogger log, TimeProvider time, CancellationToken ct) =>
        Task.Run(() => Open(options, log, time, ct), ct);

    /// <summary>Segments that wait for the next fsync.</summary>
    public int Waiting => Commits.Waiting;

    /// <summary>The disk as placement sees it.</summary>
    public NodeSpace Space() => new(space.FreeBytes, space.TotalBytes, Index.Packs().Sum(pack => pack.Length));

    /// <summary>
    /// Forgets these versions for good: their manifests go out of the index at once, and no rebuild brings them back.
    /// Those that are not held are no matter.
    /// </summary>
    /// <returns>How many were held.</returns>
    /// <exception cref="FailureException">Busy: one of them is being stored now. InvalidRequest: too many. DiskFailed: nothing was forgotten.</exception>
    /// <param name="upToEpoch">Only those that were placed in this epoch or before; null for all.</param>
    public Task<int> ForgetAsync(ClientId client, long[] versions, CancellationToken ct, long? upToEpoch = null) => Forgetting.RunAsync(this, client, versions, upToEpoch, ct);

    internal PackStoreOptions Options => options;

    /// <summary>Held while records are copied and while versions are forgotten: a manifest must not be copied behind the record that forgets it.</summary>
    internal SemaphoreSlim Order { get; } = new(1, 1);

    /// <summary>Closes the handles of a pack that was removed.</summary>
    internal void Drop(int pack) => reader.Drop(pack);

    /// <summary>Begins one segment of one client.</summary>
    public PackBatch Begin(ClientId client) => new(this, client);

    /// <summary>Which of these chunks of the client are not held, as ascending indexes.</summary>
    public int[] Missing(ClientId client, ReadOnlySpan<ChunkId> chunks)
    {
        var found = Index.Rely(client, RecordKind.Chunk, chunks);
        return Enumerable.Range(0, found.Length).Where(i => !found[i].IsHeld).ToArray();
    }

    /// <summary>Where these records lie, in the order asked: the way to read a long file without a question per chunk.</summary>
    public RecordLocation[] Locate(ClientId client, RecordKind kind, ReadOnlySpan<ChunkId> ids) => Index.Find(client, kind, ids);

    /// <summary>Reads a record and checks it. The caller disposes it.</summary>
    /// <returns>Null when it is not held.</returns>
    /// <exception cref="FailureException">Corrupt: it fails its checksum. DiskFailed: the disk cannot read it.</exception>
    public ValueTask<Record?> ReadAsync(ClientId client, RecordKind kind, ChunkId id, CancellationToken ct) =>
        ReadAsync(Index.Find(new RecordKey(client, kind, id)), ct);

    /// <summary>Reads a version's manifest and checks it. The caller disposes it.</summary>
    public ValueTask<Record?> ReadManifestAsync(ClientId client, long version, CancellationToken ct) =>
        Index.FindManifest(client, version) is { } id ? ReadAsync(client, RecordKind.Manifest, id, ct) : default;

    /// <summary>Reads what <see cref="Locate"/> has found. The caller disposes it.</summary>
    public async ValueTask<Record?> ReadAsync(RecordLocation at, CancellationToken ct)
    {
        if (!at.IsHeld)
            return Index.IsDamaged(at.Key) ? throw Failure.Corrupt(at.Key.ToString(), Node).Exception() : null;
        try
        {
            if (await reader.ReadAsync(at, ct) is { } record)
                return record;
        }
        catch (FileNotFoundException) when (Index.Find(at.Key) is var now && now != at)
        {
            // Its pack was compacted since it was located.
            return await ReadAsync(now, ct);
        }
        catch (Exception e) when (DiskFailure.Is(e))
        {
            if (e.HResult == InputOutputError)
                Note(DamageKind.Unreadable, at);
            throw DiskFailure.Of(e, Node, $"reading {at.Key}").Exception(e);
        }
        Note(DamageKind.Payload, at);
        throw Failure.Corrupt(at.Key.ToString(), Node).Exception();
    }

    /// <summary>Finishes the commits that were begun and closes the directory.</summary>
    public async ValueTask DisposeAsync()
    {
        await Task.Run(Commits.Dispose);
        Appender.Dispose();
        reader.Dispose();
        Index.Dispose();
        held.Dispose();
    }

    internal Manifest OpenManifest(Record record, string culprit)
    {
        using var codec = new RecordCodec();
        return Manifest.Decode(codec.Open(record, culprit).Span, culprit);
    }

    private static PackStore Open(PackStoreOptions options, ILogger log, TimeProvider time, CancellationToken ct)
    {
        var node = options.NodeId.Value;
        DirectoryLock? held = null;
        PackIndex? index = null;
        try
        {
            Directory.CreateDirectory(PackFiles.Folder(options.Directory));
            held = DirectoryLock.Take(options.Directory, node);
            var identity = DataDirectory.Identify(options, log, time);
            var path = Path.Combine(options.Directory, IndexSchema.FileName);
            index = PackIndex.TryOpen(path, identity.Incarnation);
            var isRebuilt = index is null;
            if (index is null)
            {
                // A directory that is used for the first time has nothing to make it from.
                if (PackFiles.List(options.Directory).Length > 0)
                    LogRebuild(log, path);
                index = PackIndex.Create(path, identity.Incarnation);
            }
            return new PackStore(options, held, identity, index, isRebuilt, log, time, ct);
        }
        catch (Exception e)
        {
            index?.Dispose();
            held?.Dispose();
            if (DiskFailure.Is(e))
                throw DiskFailure.Of(e, node, $"opening '{options.Directory}'").Exception(e);
            throw;
        }
    }

    /// <summary>Stops serving a record that was found damaged, so that it counts as missing and can be written anew.</summary>
    internal void Note(DamageKind kind, in RecordLocation at)
    {
        LogDamaged(at.Key, at.Pack, at.Offset, kind);
        try
        {
            var damage = new Damage(kind, at.Pack, at.Offset, RecordHeader.LengthBytes + at.StoredBytes, at.Key);
            Index.Write(writer => writer.AddDamage(damage));
        }
        catch (Exception e) when (DiskFailure.Is(e))
        {
            LogNotNoted(e);
        }
    }

    [LoggerMessage(LogLevel.Information, "The index {Path} is missing or damaged, or of another format: it is made anew from the packs")]
    private static partial void LogRebuild(ILogger log, string path);

    [LoggerMessage(LogLevel.Error, "{Key} in pack {Pack} at byte {Offset} is damaged: {Kind}")]
    private partial void LogDamaged(RecordKey key, int pack, long offset, DamageKind kind);

    [LoggerMessage(LogLevel.Warning, "A damaged record could not be noted")]
    private partial void LogNotNoted(Exception e);
}
