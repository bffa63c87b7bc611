using Backup.Protocol;

namespace Backup.Storage.Packs;

/// <summary>Interim.</summary>
public sealed class PackStore : IAsyncDisposable
{
    private readonly PackStoreOptions options;
    private readonly NodeIdentity identity;
    private readonly PackIndex index;
    private readonly Lock gate = new();
    private readonly System.Collections.Concurrent.ConcurrentDictionary<int, Microsoft.Win32.SafeHandles.SafeFileHandle> handles = new();
    private PackFile current;

    private PackStore(PackStoreOptions options, NodeIdentity identity, PackIndex index, PackFile current)
    {
        this.options = options;
        this.identity = identity;
        this.index = index;
        this.current = current;
    }

    public Guid Incarnation => identity.Incarnation;

    internal PackIndex Index => index;

    public static Task<PackStore> OpenAsync(PackStoreOptions options, ILogger log, TimeProvider time, CancellationToken ct)
    {
        Directory.CreateDirectory(Path.Combine(options.Directory, PackFile.Folder));
        var identity = NodeIdentity.ReadOrCreate(options.Directory, options.NodeId, time);
        var index = new PackIndex(Path.Combine(options.Directory, "index.db"));
        var marks = index.Watermarks();
        PackFile? last = null;
        foreach (var path in Directory.GetFiles(Path.Combine(options.Directory, PackFile.Folder), "*.pack").Order())
        {
            var number = int.Parse(Path.GetFileNameWithoutExtension(path));
            using var scan = new PackScan(path, number, verifyPayloads: true);
            var rows = new List<(RecordHeader, RecordLocation, ManifestHead?)>();
            using var codec = new RecordCodec();
            foreach (var (header, at, record) in scan.Records(marks.GetValueOrDefault(number, PackFile.HeaderBytes)))
                rows.Add((header, at, header.Kind == RecordKind.Manifest ? Manifest.Decode(codec.Open(record!, "node").Span, "node").Head : null));
            index.Add(rows, [(number, scan.End)]);
            last?.Dispose();
            last = PackFile.Reopen(options.Directory, number, scan.End);
        }
        return Task.FromResult(new PackStore(options, identity, index, last ?? PackFile.Create(options.Directory, 1, identity)));
    }

    public NodeSpace Space()
    {
        var drive = new DriveInfo(options.Directory);
        return new NodeSpace(Math.Max(0, drive.AvailableFreeSpace - options.ReserveBytes), drive.TotalSize, (current.Number - 1) * options.PackBytesMax + current.End);
    }

    public PackBatch Begin(ClientId client) => new(this, client);

    public int[] Missing(ClientId client, ReadOnlySpan<ChunkId> chunks)
    {
        var missing = new List<int>();
        for (var i = 0; i < chunks.Length; i++)
        {
            if (index.Find(client, RecordKind.Chunk, chunks[i]) is null)
                missing.Add(i);
        }
        return [.. missing];
    }

    public ValueTask<Record?> ReadAsync(ClientId client, RecordKind kind, ChunkId id, CancellationToken ct)
    {
        if (index.Find(client, kind, id) is not { } at)
            return ValueTask.FromResult<Record?>(null);
        var handle = handles.GetOrAdd(at.Pack, n => File.OpenHandle(PackFile.PathOf(options.Directory, n), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
        var rented = Record.Rent(at.Bytes - RecordHeader.LengthBytes);
        var got = RandomAccess.Read(handle, rented.AsSpan(0, at.Bytes), at.Offset);
        if (got < at.Bytes || !RecordHeader.TryRead(rented, out var header) || header.Id != id)
            throw Failure.Corrupt($"{kind} {id}", options.NodeId.Value).Exception();
        var record = Record.Wrap(rented, header);
        return record.ChecksumMatches() ? ValueTask.FromResult<Record?>(record) : throw Failure.Corrupt($"{kind} {id}", options.NodeId.Value).Exception();
    }

    public async ValueTask<Record?> ReadManifestAsync(ClientId client, long version, CancellationToken ct) =>
        index.FindManifest(client, version) is { } id ? await ReadAsync(client, RecordKind.Manifest, id, ct) : null;

    internal (PackFile Pack, long Offset) Reserve(int bytes, Dictionary<PackFile, long> first)
    {
        lock (gate)
        {
            while (true)
            {
                if (current.TryReserve(bytes, options.PackBytesMax, !first.ContainsKey(current), out var offset))
                {
                    first.TryAdd(current, offset);
                    return (current, offset);
                }
                current = PackFile.Create(options.Directory, current.Number + 1, identity);
            }
        }
    }

    public ValueTask DisposeAsync()
    {
        index.Dispose();
        current.Dispose();
        return ValueTask.CompletedTask;
    }
}

/// <summary>Interim.</summary>
public sealed class PackBatch(PackStore store, ClientId client) : IDisposable
{
    private readonly Dictionary<PackFile, long> first = [];
    private readonly Dictionary<(RecordKind, ChunkId), (RecordHeader, RecordLocation, ManifestHead?)> rows = [];

    public bool Has(RecordKind kind, ChunkId id) => rows.ContainsKey((kind, id)) || store.Index.Find(client, kind, id) is not null;

    public ValueTask<bool> AppendAsync(Record record, CancellationToken ct)
    {
        var header = record.Header;
        if (Has(header.Kind, header.Id))
            return ValueTask.FromResult(false);
        ManifestHead? manifest = null;
        if (header.Kind == RecordKind.Manifest)
        {
            using var codec = new RecordCodec();
            manifest = Manifest.Decode(codec.Open(record, "client").Span, "client").Head;
        }
        var (pack, offset) = store.Reserve(header.RecordBytes, first);
        pack.Write(record.Bytes.Span, offset);
        rows[(header.Kind, header.Id)] = (header, new RecordLocation(pack.Number, offset, header.RecordBytes), manifest);
        return ValueTask.FromResult(true);
    }

    public async Task CommitAsync(CancellationToken ct)
    {
        foreach (var pack in first.Keys)
            await pack.SyncAsync();
        foreach (var (pack, offset) in first)
            pack.Settle(offset);
        store.Index.Add(rows.Values, first.Keys.Select(p => (p.Number, p.Watermark)));
        first.Clear();
    }

    public void Dispose()
    {
        foreach (var (pack, offset) in first)
            pack.Settle(offset);
    }
}
