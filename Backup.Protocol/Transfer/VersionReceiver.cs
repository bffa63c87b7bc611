namespace Backup.Protocol;

/// <summary>Where restored files go. One version at a time.</summary>
public interface IRestoreTarget
{
    /// <summary>A version's content follows, in order, into the stream; null for what has none. The receiver disposes the stream before <see cref="Complete"/>.</summary>
    Stream? Begin(FileVersion version, ManifestHead head);

    /// <summary>Every byte arrived and matches the version's digest.</summary>
    void Complete(FileVersion version, ManifestHead head);

    /// <summary>It cannot be had; what was begun of it must vanish.</summary>
    void Failed(FileVersion version, Failure failure);
}

/// <summary>Takes the records of one version as they arrive, checks each and writes it out. Knows where to go on when a read breaks off.</summary>
internal sealed class VersionReceiver(FileVersion version, IRestoreTarget target, TransferCounters counters, ClientCipher? cipher) : IAsyncDisposable
{
    /// <summary>So much takes less time to be read and let go than a request for what comes behind it.</summary>
    private const long SkippedBytesMax = 1 << 20;

    private ContentDigest? digest;
    private Manifest? manifest;
    private ChunkRef[]? refs;
    private int list;
    private int chunkInList;
    private bool comesAgain;
    private Stream? stream;
    private Failure? refusal;

    public FileVersion Version => version;

    /// <summary>Where it lies, as far as is known.</summary>
    public NodeId[] Nodes { get; set; } = version.Nodes;

    /// <summary>Chunks received, all of them written out.</summary>
    public long Chunks { get; private set; }

    /// <summary>It is complete, or was given up.</summary>
    public bool IsDone { get; private set; }

    /// <summary>Whether the rest of it may be read past, should the target refuse it.</summary>
    public bool CanBeSkipped => manifest is not null && version.SizeBytes <= SkippedBytesMax;

    public Failure? LastFailure { get; set; }

    /// <summary>Nodes that failed to give it.</summary>
    public HashSet<NodeId> Tried { get; } = [];

    /// <summary>Nodes that were left for another copy because they were silent for a moment. They are asked again when no other is left.</summary>
    public HashSet<NodeId> Left { get; } = [];

    /// <summary>The item to ask for: the whole, or what is left of it. A list that was under way comes again.</summary>
    public ReadItem Wanted()
    {
        // From its first chunk on it comes with its manifest, which another copy may have given already before it failed.
        comesAgain = manifest is not null && Chunks == 0;
        if (manifest?.Head.HasLists == true)
            refs = null;
        return new ReadItem(version.Version, Chunks);
    }

    /// <summary>Takes a record and what it opens to, which was checked against its id; the caller disposes it.</summary>
    /// <exception cref="FailureException">It is not the record that belongs here.</exception>
    public async ValueTask AcceptAsync(Record record, ReadOnlyMemory<byte> plain, string culprit, CancellationToken ct)
    {
        if (manifest is null)
            Begin(record, plain.Span, culprit);
        else if (comesAgain)
            Expect(record, RecordKind.Manifest, null, culprit);
        else if (refs is null)
            TakeList(record, plain.Span, culprit);
        else
            await TakeChunkAsync(record, plain, culprit, ct);
        comesAgain = false;
        if (HasAll)
            await (refusal is null ? CompleteAsync(culprit) : GiveUpAsync());
    }

    /// <summary>The target does not take it. It is given up once the rest of it has come.</summary>
    public async ValueTask RefuseAsync(Failure why)
    {
        refusal = why;
        try
        {
            await CloseAsync();
        }
        catch (Exception e) when (IsOfTarget(e))
        {
            // It is not kept anyway.
        }
        if (HasAll)
            await GiveUpAsync();
    }

    /// <summary>No node is left to ask, or the target does not take it.</summary>
    public async ValueTask GiveUpAsync()
    {
        IsDone = true;
        await CloseAsync();
        Interlocked.Increment(ref counters.FilesFailed);
        target.Failed(version, refusal ?? LastFailure ?? new Failure(FailureCode.NodeUnreachable, $"No node that holds '{version.Path.Display}' is known.",
            string.Join(',', Nodes), "Bring one of these nodes back, then try again."));
    }

    public async ValueTask DisposeAsync()
    {
        digest?.Dispose();
        await CloseAsync();
    }

    private bool HasAll => refs is not null && chunkInList == refs.Length && (!manifest!.Head.HasLists || list == manifest.Refs.Length - 1);

    private async ValueTask CloseAsync()
    {
        var open = stream;
        stream = null;
        if (open is not null)
            await open.DisposeAsync();
    }

    private void Begin(Record record, ReadOnlySpan<byte> plain, string culprit)
    {
        Expect(record, RecordKind.Manifest, null, culprit);
        var read = Manifest.Decode(plain, culprit);
        if (cipher is not null)
            read = read with { Head = cipher.Open(read.Head, culprit) };
        else if (read.Head.Seal is not null)
            throw EncryptedClients.KeyNeeded(record.Header.Client).Exception();
        if (read.Head.Version != version.Version || read.Head.Path != version.Path || read.Head.Digest != version.Digest)
            throw Failure.Corrupt($"The manifest of '{version.Path.Display}' version {version.Version}", culprit).Exception();
        manifest = read;
        refs = read.Head.HasLists ? null : read.Refs;
        digest = new ContentDigest();
        counters.Current = version.Path.Value;
        stream = target.Begin(version, read.Head);
    }

    private void TakeList(Record record, ReadOnlySpan<byte> plain, string culprit)
    {
        Expect(record, RecordKind.List, manifest!.Refs[list].Id, culprit);
        refs = ChunkRef.Read(plain);
    }

    private async ValueTask TakeChunkAsync(Record record, ReadOnlyMemory<byte> plain, string culprit, CancellationToken ct)
    {
        Expect(record, RecordKind.Chunk, refs![chunkInList].Id, culprit);
        try
        {
            await WriteAsync(plain, ct);
        }
        catch (FailureException)
        {
            // Whether or not it is read past, this chunk has come.
            Step(record, plain);
            throw;
        }
        Step(record, plain);
    }

    private void Step(Record record, ReadOnlyMemory<byte> plain)
    {
        digest!.Add(record.Header.Id);
        Chunks++;
        chunkInList++;
        Interlocked.Add(ref counters.BytesRead, plain.Length);
        if (chunkInList == refs!.Length && manifest!.Head.HasLists && list < manifest.Refs.Length - 1)
            (list, chunkInList, refs) = (list + 1, 0, null);
    }

    /// <summary>What the target's disk refuses is no node's fault.</summary>
    private async ValueTask WriteAsync(ReadOnlyMemory<byte> plain, CancellationToken ct)
    {
        try
        {
            if (stream is not null)
                await stream.WriteAsync(plain, ct);
        }
        catch (Exception e) when (IsOfTarget(e))
        {
            throw Unwritable(e);
        }
    }

    /// <summary>The last is what .NET makes of a file that is larger than its file system allows.</summary>
    private static bool IsOfTarget(Exception e) => e is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException;

    private FailureException Unwritable(Exception e) => new Failure(FailureCode.LocalFailed, $"'{version.Path.Display}' cannot be written: {e.Message.TrimEnd('.')}.", "client",
        "Check the free space and the permissions there.").Exception(e);

    private async ValueTask CompleteAsync(string culprit)
    {
        if (digest!.Finish() != version.Digest)
            throw Failure.Corrupt($"The content of '{version.Path.Display}' version {version.Version}", culprit).Exception();
        try
        {
            await CloseAsync();
        }
        catch (Exception e) when (IsOfTarget(e))
        {
            throw Unwritable(e);
        }
        IsDone = true;
        if (version.Kind != VersionKind.Folder)
            Interlocked.Increment(ref counters.Files);
        target.Complete(version, manifest!.Head);
    }

    private static void Expect(Record record, RecordKind kind, ChunkId? id, string culprit)
    {
        if (record.Header.Kind != kind || (id is { } wanted && record.Header.Id != wanted))
            throw new Failure(FailureCode.Corrupt, $"{culprit} sent a {record.Header.Kind} where {kind} {id} belongs.", culprit, "Another copy is read instead.").Exception();
    }
}
