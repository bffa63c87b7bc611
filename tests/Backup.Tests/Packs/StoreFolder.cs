using Backup.Protocol;
using Backup.Storage.Packs;
using Microsoft.Extensions.Logging.Abstractions;

namespace Backup.Tests.Packs;

/// <summary>A data directory of its own for one test, on the real disk, and records whose bytes follow from a seed.</summary>
internal sealed class StoreFolder : IDisposable
{
    public static readonly NodeId Node = NodeId.Parse("node-1");
    public static readonly ClientId Alice = ClientId.Parse("00112233445566778899aabbccddeeff");
    public static readonly ClientId Bob = ClientId.Parse("ffeeddccbbaa99887766554433221100");

    public StoreFolder() => Path = Directory.CreateTempSubdirectory("backup-packs-").FullName;

    public string Path { get; }

    public string IndexPath => System.IO.Path.Combine(Path, "index.db");

    public Task<PackStore> OpenAsync(long packBytesMax = PackStoreOptions.PackBytesDefault, string node = "node-1") => PackStore.OpenAsync(
        new PackStoreOptions { Directory = Path, NodeId = NodeId.Parse(node), PackBytesMax = packBytesMax, ReserveBytes = 0 },
        NullLogger.Instance, TimeProvider.System, default);

    public string Pack(int number) => System.IO.Path.Combine(Path, "packs", $"{number:D8}.pack");

    public string[] Packs() => Directory.GetFiles(System.IO.Path.Combine(Path, "packs"), "*.pack").Order().ToArray();

    public void DeleteIndex()
    {
        foreach (var file in Directory.GetFiles(Path, "index.db*"))
            File.Delete(file);
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);

    public static byte[] Content(int seed, int bytes) => PackWriter.Seeded.Bytes(seed, bytes);

    public static Record Chunk(int seed, int bytes, ClientId? client = null) => Record.Of(RecordKind.Chunk, client ?? Alice, Content(seed, bytes));

    public static ChunkId IdOf(int seed, int bytes) => ChunkId.Of(Content(seed, bytes));

    public static Manifest FileOf(string path, long version, params byte[][] chunks)
    {
        using var digest = new ContentDigest();
        var refs = chunks.Select(chunk => new ChunkRef(ChunkId.Of(chunk), chunk.Length)).ToArray();
        foreach (var chunk in refs)
            digest.Add(chunk.Id);
        return new Manifest(new ManifestHead
        {
            Path = RootedPath.Parse(path),
            Version = version,
            Kind = VersionKind.File,
            TimeMs = 1_700_000_000_000 + version,
            SizeBytes = chunks.Sum(chunk => (long)chunk.Length),
            Digest = digest.Finish(),
            MtimeNs = 1_600_000_000_123_456_789,
            Mode = 0b110_100_000,
            Nodes = [Node],
            Epoch = 1,
        }, refs);
    }

    public static Record RecordOf(Manifest manifest, ClientId? client = null) => Record.Of(RecordKind.Manifest, client ?? Alice, manifest.Encode());

    /// <summary>Appends and commits these as one batch.</summary>
    public static async Task<int> StoreAsync(PackStore store, params Record[] records)
    {
        using var batch = store.Begin(records[0].Header.Client);
        var added = 0;
        foreach (var record in records)
        {
            using (record)
                added += await batch.AppendAsync(record, default) ? 1 : 0;
        }
        await batch.CommitAsync(default);
        return added;
    }

    /// <summary>Flips one bit of a file.</summary>
    public static void Flip(string path, long offset)
    {
        using var file = System.IO.File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
        var bytes = new byte[1];
        RandomAccess.Read(file, bytes, offset);
        bytes[0] ^= 0x10;
        RandomAccess.Write(file, bytes, offset);
    }

    public static async Task AssertHeldAsync(PackStore store, int seed, int bytes, ClientId? client = null)
    {
        using var record = await store.ReadAsync(client ?? Alice, RecordKind.Chunk, IdOf(seed, bytes), default);
        Assert.NotNull(record);
        Assert.True(record.Payload.Span.SequenceEqual(Content(seed, bytes)));
    }

    public static async Task<Failure> FailsAsync(Func<Task> act) => (await Assert.ThrowsAsync<FailureException>(act)).Failure;
}
