using System.Text;
using Backup.Protocol;
using Backup.Storage.Packs;

namespace Backup.Tests.PackWriter;

/// <summary>
/// What the golden data directories hold: each kind of record and version, raw and compressed, one sealed pack and one open.
/// `golden DIR` wrote tests/Backup.Tests/Packs/golden/v1; a new format version gets a directory of its own and the old ones stay.
/// </summary>
public static class Golden
{
    public static readonly ClientId Client = ClientId.Parse("00112233445566778899aabbccddeeff");

    /// <summary>Does not shrink.</summary>
    public static byte[] Noise { get; } = Seeded.Bytes(1, 700);

    /// <summary>Shrinks, and is stored compressed.</summary>
    public static byte[] Text { get; } = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("all work and no play ", 60)));

    /// <summary>The first pack is full after this many bytes.</summary>
    private const long PackBytesMax = 2500;

    public static async Task WriteAsync(PackStoreOptions options, Func<PackStoreOptions, Task<PackStore>> open)
    {
        await using var store = await open(options with { PackBytesMax = PackBytesMax });
        foreach (var record in Records())
        {
            using (record)
            using (var batch = store.Begin(Client))
            {
                await batch.AppendAsync(record, default);
                await batch.CommitAsync(default);
            }
        }
    }

    public static IEnumerable<Manifest> Versions()
    {
        yield return Version("folder/noise.bin", 1, VersionKind.File, [Noise], mode: 0b110_100_000);
        yield return Version("text.txt", 2, VersionKind.File, [Text]);
        yield return Version("text.txt", 3, VersionKind.File, [Text, Noise, Text]) with { Refs = [ListRef()] };
        yield return Version("link", 4, VersionKind.Symlink, [], linkTarget: "folder/noise.bin");
        yield return Version("folder", 5, VersionKind.Folder, [], mode: 0b111_101_000);
        yield return Version("gone", 6, VersionKind.File, [Noise]);
        yield return Version("gone", 7, VersionKind.Tombstone, []);
    }

    private static IEnumerable<Record> Records()
    {
        using var codec = new RecordCodec();
        yield return Record.Of(RecordKind.Chunk, Client, Noise);
        yield return codec.Compress(Record.Of(RecordKind.Chunk, Client, Text));
        yield return codec.Compress(Record.Of(RecordKind.List, Client, List()));
        foreach (var version in Versions())
            yield return codec.Compress(Record.Of(RecordKind.Manifest, Client, version.Encode()));
    }

    private static byte[] List()
    {
        var refs = new[] { Text, Noise, Text }.Select(chunk => new ChunkRef(ChunkId.Of(chunk), chunk.Length)).ToArray();
        var list = new byte[refs.Length * ChunkRef.LengthBytes];
        ChunkRef.Write(refs, list);
        return list;
    }

    private static ChunkRef ListRef() => new(ChunkId.Of(List()), List().Length);

    private static Manifest Version(string path, long version, VersionKind kind, byte[][] chunks, int mode = 0b110_100_100, string? linkTarget = null)
    {
        using var digest = new ContentDigest();
        foreach (var chunk in chunks)
            digest.Add(ChunkId.Of(chunk));
        return new Manifest(new ManifestHead
        {
            Path = RootedPath.Parse(path),
            Version = version,
            Kind = kind,
            TimeMs = 1_700_000_000_000 + version,
            SizeBytes = chunks.Sum(chunk => (long)chunk.Length),
            Digest = digest.Finish(),
            MtimeNs = 1_600_000_000_123_456_789,
            Mode = mode,
            LinkTarget = linkTarget,
            Nodes = [NodeId.Parse("node-1"), NodeId.Parse("node-2")],
            Epoch = 1,
            HasLists = version == 3,
        }, [.. chunks.Select(chunk => new ChunkRef(ChunkId.Of(chunk), chunk.Length))]);
    }
}
