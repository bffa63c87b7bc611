using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;

namespace Backup.Protocol;

/// <summary>What a version is. The numbers are written to disk: never reuse one.</summary>
public enum VersionKind : byte
{
    File = 1,
    Symlink = 2,

    /// <summary>A folder of its own right: an empty one, or one whose mode and times matter.</summary>
    Folder = 3,

    /// <summary>The path was deleted at this version.</summary>
    Tombstone = 4,
}

/// <summary>A chunk in its place in a file.</summary>
/// <param name="PlainBytes">Its length; places follow by adding up.</param>
public readonly record struct ChunkRef(ChunkId Id, int PlainBytes)
{
    public const int LengthBytes = ChunkId.LengthBytes + sizeof(int);

    public static void Write(ReadOnlySpan<ChunkRef> refs, Span<byte> to)
    {
        foreach (var (id, plainBytes) in refs)
        {
            id.Write(to);
            BinaryPrimitives.WriteInt32LittleEndian(to[ChunkId.LengthBytes..], plainBytes);
            to = to[LengthBytes..];
        }
    }

    public static ChunkRef[] Read(ReadOnlySpan<byte> from)
    {
        var refs = new ChunkRef[from.Length / LengthBytes];
        for (var i = 0; i < refs.Length; i++)
        {
            var at = from.Slice(i * LengthBytes, LengthBytes);
            refs[i] = new ChunkRef(new ChunkId(at[..ChunkId.LengthBytes]), BinaryPrimitives.ReadInt32LittleEndian(at[ChunkId.LengthBytes..]));
        }
        return refs;
    }
}

/// <summary>All that is known of one version apart from its content. Times are in Unix units, UTC.</summary>
public sealed record ManifestHead
{
    public required RootedPath Path { get; init; }

    /// <summary>The place of this version in its client's order; unique there.</summary>
    public required long Version { get; init; }

    public required VersionKind Kind { get; init; }

    /// <summary>The cluster's time of this version, in milliseconds.</summary>
    public required long TimeMs { get; init; }

    public required long SizeBytes { get; init; }

    /// <summary>See <see cref="ContentDigest"/>.</summary>
    public required ChunkId Digest { get; init; }

    /// <summary>The file's own modification time, in nanoseconds.</summary>
    public long MtimeNs { get; init; }

    /// <summary>Unix permission bits, or 0 where there are none.</summary>
    public int Mode { get; init; }

    /// <summary>Where a symlink points.</summary>
    public string? LinkTarget { get; init; }

    /// <summary>Primary first.</summary>
    public required NodeId[] Nodes { get; init; }

    public required long Epoch { get; init; }

    /// <summary>Whether the references that follow name list records, whose contents are the chunk references.</summary>
    public bool HasLists { get; init; }

    /// <summary>The trace of the upload, for whoever asks later where the time went.</summary>
    public string? TraceId { get; init; }

    /// <summary>Of an encrypting client: what it finds its own head genuine by (<see cref="ClientCipher"/>). The cluster keeps it and cannot check it.</summary>
    public ChunkId? Seal { get; init; }

    /// <summary>Whether both say the same of the file; where and in which epoch it was placed may differ.</summary>
    public bool HasContentOf(ManifestHead other) => this with { Nodes = other.Nodes, Epoch = other.Epoch, TraceId = other.TraceId } == other;
}

/// <summary>
/// A version as it is stored: its head in JSON, preceded by the head's length, followed by references to its chunks,
/// or to lists of chunks where there are more than <see cref="Limits.RefsPerList"/>.
/// </summary>
public sealed record Manifest(ManifestHead Head, ChunkRef[] Refs)
{
    public byte[] Encode()
    {
        var head = JsonSerializer.SerializeToUtf8Bytes(Head, WireJson.Default.ManifestHead);
        var bytes = new byte[sizeof(int) + head.Length + Refs.Length * ChunkRef.LengthBytes];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, head.Length);
        head.CopyTo(bytes, sizeof(int));
        ChunkRef.Write(Refs, bytes.AsSpan(sizeof(int) + head.Length));
        return bytes;
    }

    /// <exception cref="FailureException">These bytes are no manifest.</exception>
    public static Manifest Decode(ReadOnlySpan<byte> bytes, string culprit)
    {
        try
        {
            var headBytes = BinaryPrimitives.ReadInt32LittleEndian(bytes);
            var refs = bytes[(sizeof(int) + headBytes)..];
            var head = JsonSerializer.Deserialize(bytes.Slice(sizeof(int), headBytes), WireJson.Default.ManifestHead);
            if (head is not null && refs.Length % ChunkRef.LengthBytes == 0)
                return new Manifest(head, ChunkRef.Read(refs));
        }
        catch (Exception e) when (e is ArgumentException or JsonException or FailureException)
        {
            throw NoManifest(culprit, e);
        }
        throw NoManifest(culprit, null);
    }

    private static FailureException NoManifest(string culprit, Exception? inner) => new Failure(FailureCode.InvalidRequest,
        "A manifest record does not hold a manifest.", culprit, "Send it again; if it stays, the two sides speak different versions.").Exception(inner);
}

/// <summary>
/// The digest of a version's content. Of one chunk, or none, it is the SHA-256 of the content, as sha256sum prints it.
/// Of several it is the SHA-256 of their ids one after the other: every byte was hashed once, on each machine it passed,
/// and a second pass over the whole would double the cost of a backup. Where the client encrypts, ids are keyed, and so is this.
/// </summary>
public sealed class ContentDigest : IDisposable
{
    private static readonly ChunkId OfNothing = ChunkId.Of([]);

    /// <summary>Of the ids, once there is more than one: most files have one.</summary>
    private IncrementalHash? ids;
    private ChunkId? only;

    public void Add(ChunkId chunk)
    {
        if (only is not { } first)
        {
            only = chunk;
            return;
        }
        if (ids is null)
        {
            ids = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            ids.AppendData(first);
        }
        ids.AppendData(chunk);
    }

    public ChunkId Finish() => ids is null ? only ?? OfNothing : new ChunkId(ids.GetHashAndReset());

    public void Dispose() => ids?.Dispose();
}
