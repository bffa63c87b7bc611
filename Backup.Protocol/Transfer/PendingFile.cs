using System.Diagnostics;

namespace Backup.Protocol;

/// <summary>A file on its way: what was read of it, where it goes, and in the end what it becomes.</summary>
public sealed class PendingFile(SourceFile source, FileChunks? chunks) : IAsyncDisposable
{
    private readonly ContentDigest digest = new();
    private readonly List<ChunkRef> refs = [];
    private readonly List<ChunkRef> lists = [];

    public SourceFile Source { get; } = source;

    public FileChunks? Chunks { get; } = chunks;

    /// <summary>The first chunk, read before the place was known, because placement asks for its id.</summary>
    public Record? First { get; set; }

    /// <summary>Its place; replaced when a node fails under way.</summary>
    public Placement? Placement { get; set; }

    public long Version { get; set; }

    public long TimeMs { get; set; }

    public ChunkId? FirstChunk { get; private set; }

    public ChunkId Digest { get; private set; }

    public long SizeBytes { get; private set; }

    /// <summary>What the manifest will refer to.</summary>
    public IReadOnlyList<ChunkRef> Refs => lists.Count > 0 ? lists : refs;

    /// <summary>Why it is not stored, or what is to be said of it beside its receipt.</summary>
    public Failure? Failure { get; set; }

    public void Add(Record chunk)
    {
        FirstChunk ??= chunk.Header.Id;
        digest.Add(chunk.Header.Id);
        refs.Add(new ChunkRef(chunk.Header.Id, chunk.Header.PlainBytes));
        SizeBytes += chunk.Header.PlainBytes;
    }

    /// <summary>A list record when enough references have gathered for one, or at the end when there are lists already; else null.</summary>
    public Record? TakeList(ClientId client, bool atEnd)
    {
        if (refs.Count < Limits.RefsPerList && !(atEnd && lists.Count > 0 && refs.Count > 0))
            return null;
        var content = new byte[refs.Count * ChunkRef.LengthBytes];
        ChunkRef.Write(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(refs), content);
        var list = Record.Of(RecordKind.List, client, content);
        lists.Add(new ChunkRef(list.Header.Id, content.Length));
        refs.Clear();
        return list;
    }

    public void Finish() => Digest = digest.Finish();

    /// <summary>The manifest for these nodes, which it names; sealed where the client encrypts.</summary>
    public Manifest Manifest(Placement at, ClientCipher? cipher) => new(cipher is null ? Head(at) : cipher.Seal(Head(at)), [.. Refs]);

    private ManifestHead Head(Placement at) => new()
    {
        Path = Source.Path,
        Version = Version,
        Kind = Source.Kind,
        TimeMs = TimeMs,
        SizeBytes = SizeBytes,
        Digest = Digest,
        MtimeNs = Source.MtimeNs,
        Mode = Source.Mode,
        LinkTarget = Source.LinkTarget,
        Nodes = [.. at.Nodes.Select(n => n.Id)],
        Epoch = at.Epoch,
        HasLists = lists.Count > 0,
        TraceId = Activity.Current?.TraceId.ToString(),
    };

    public CommitFile Commit() => new(
        Source.Path, Version, Source.Kind, SizeBytes, Digest, Source.MtimeNs, Source.Mode,
        [.. Placement!.Nodes.Select(n => n.Id)], Activity.Current?.TraceId.ToString(), SizeBytes >= Limits.HintBytesMin ? FirstChunk : null);

    public async ValueTask DisposeAsync()
    {
        First?.Dispose();
        First = null;
        digest.Dispose();
        if (Chunks is not null)
            await Chunks.DisposeAsync();
    }
}
