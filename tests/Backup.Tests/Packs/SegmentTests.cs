using Backup.Protocol;
using Backup.Storage.Packs;
using Backup.Storage.Segments;
using static Backup.Tests.Packs.CollectionFolder;
using static Backup.Tests.Packs.StoreFolder;

namespace Backup.Tests.Packs;

/// <summary>A segment with anything wrong in it is refused whole, by a typed error, and nothing of it is visible, then or after a restart.</summary>
public sealed class SegmentTests : IDisposable
{
    private const int ChunkBytes = 5_000;
    private readonly StoreFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_whole_segment_is_taken()
    {
        await using var store = await folder.OpenAsync();
        using var segment = await ReceiveAsync(store, Whole());
        await segment.CommitAsync(default);
        await AssertFileAsync(store, 1, [1, 2], ChunkBytes);
    }

    [Fact]
    public async Task What_is_held_or_stands_there_twice_is_appended_once()
    {
        const int large = 200_000;
        await using var store = await folder.OpenAsync();
        using (var first = await ReceiveAsync(store, Whole()))
            await first.CommitAsync(default);
        // Held and new side by side, the same in one run, and in two: a run ends after a quarter MiB.
        var body = Bytes(Chunk(1, ChunkBytes), Chunk(3, large), Chunk(3, large), Chunk(4, large), Chunk(2, ChunkBytes), Chunk(3, large),
            RecordOf(FileOf("file-2", 2, Content(1, ChunkBytes), Content(3, large), Content(4, large))));
        using var segment = await ReceiveAsync(store, body);
        await segment.CommitAsync(default);
        Assert.Equal((7, 3), (segment.Received, segment.Appended));
        await AssertFileAsync(store, 1, [1, 2], ChunkBytes);
        Assert.Equal([], store.Missing(Alice, [IdOf(3, large), IdOf(4, large)]));
    }

    [Fact]
    public async Task One_that_is_wrong_after_some_of_it_was_appended_is_refused()
    {
        const int large = 200_000;
        var body = Bytes(Chunk(0, large), Chunk(1, large), Chunk(2, large), RecordOf(FileOf("file-1", 1, Content(0, large), Content(1, large), Content(2, large))));
        body[3 * large] ^= 1;
        await using (var store = await folder.OpenAsync())
        {
            Assert.Equal(FailureCode.DigestMismatch, (await RefusedAsync(store, body)).Code);
            Assert.True(new FileInfo(folder.Pack(1)).Length > 2 * large, "Nothing was appended before it was found wrong.");
        }
        await NothingIsThereAsync(chunkBytes: large);
    }

    [Fact]
    public async Task One_cut_off_at_any_byte_inside_a_record_is_refused()
    {
        var whole = Whole();
        var ends = new HashSet<int> { 0 };
        for (var at = 0; at < whole.Length; ends.Add(at))
            at += HeaderAt(whole, at).RecordBytes;
        await using (var store = await folder.OpenAsync())
        {
            for (var cut = 1; cut < whole.Length; cut += cut < 300 ? 1 : 97)
            {
                if (!ends.Contains(cut))
                    Assert.Equal(FailureCode.NodeUnreachable, (await RefusedAsync(store, whole[..cut])).Code);
            }
        }
        await NothingIsThereAsync();
    }

    [Fact]
    public async Task One_with_a_bit_flipped_anywhere_is_refused()
    {
        var whole = Whole();
        await using (var store = await folder.OpenAsync())
        {
            for (var at = 0; at < whole.Length; at += at % ChunkBytes < 130 ? 1 : 61)
            {
                var flipped = whole.ToArray();
                flipped[at] ^= 1;
                Assert.Contains((await RefusedAsync(store, flipped)).Code,
                    new[] { FailureCode.InvalidRequest, FailureCode.DigestMismatch, FailureCode.Forbidden, FailureCode.NodeUnreachable });
            }
        }
        await NothingIsThereAsync();
    }

    [Theory]
    [InlineData("manifest before its chunks")]
    [InlineData("halves of two records exchanged")]
    [InlineData("another client's chunk")]
    [InlineData("a chunk under another's name")]
    [InlineData("a packed chunk that opens to something else")]
    [InlineData("a packed chunk longer than it says")]
    [InlineData("a wrong digest")]
    [InlineData("a manifest that lacks a chunk")]
    [InlineData("a manifest of another size")]
    [InlineData("a manifest of another digest")]
    [InlineData("a manifest for other nodes")]
    [InlineData("a manifest that is none")]
    [InlineData("a failure record")]
    [InlineData("a record beyond the limit")]
    public async Task One_that_lies_is_refused(string lie)
    {
        await using (var store = await folder.OpenAsync())
            Assert.Contains((await RefusedAsync(store, Lying(lie))).Code,
                new[] { FailureCode.InvalidRequest, FailureCode.DigestMismatch, FailureCode.Forbidden, FailureCode.MissingChunks, FailureCode.NodeFull });
        await NothingIsThereAsync();
    }

    [Fact]
    public async Task One_of_too_many_records_or_bytes_is_refused()
    {
        await using (var store = await folder.OpenAsync())
        {
            Assert.Equal(FailureCode.InvalidRequest, (await RefusedAsync(store, Bytes([.. Enumerable.Range(0, Limits.SegmentRecordsMax + 1).Select(i => Chunk(i, 8))]))).Code);
            Assert.Equal(FailureCode.InvalidRequest, (await RefusedAsync(store, Bytes([.. Enumerable.Range(0, 7).Select(i => Chunk(i, Limits.PayloadBytesMax))]))).Code);
        }
        await NothingIsThereAsync(seeds: 8, chunkBytes: 8);
    }

    private static byte[] Lying(string lie)
    {
        var manifest = FileOf("file-1", 1, Content(1, ChunkBytes), Content(2, ChunkBytes));
        var (one, two) = (Chunk(1, ChunkBytes), Chunk(2, ChunkBytes));
        var packed = new RecordCodec().Compress(Record.Of(RecordKind.Chunk, Alice, new byte[ChunkBytes]));
        var whole = Whole();
        return lie switch
        {
            "manifest before its chunks" => Bytes(RecordOf(manifest), one, two),
            "halves of two records exchanged" => [.. whole[..RecordHeader.LengthBytes], .. whole[one.Header.RecordBytes..], .. whole[RecordHeader.LengthBytes..one.Header.RecordBytes]],
            "another client's chunk" => Bytes(one, Chunk(2, ChunkBytes, Bob), RecordOf(manifest)),
            "a chunk under another's name" => Bytes(one, With(two, header => header with { Id = IdOf(3, ChunkBytes) }), RecordOf(manifest)),
            "a packed chunk that opens to something else" => Bytes(With(packed, header => header with { Id = one.Header.Id }), two, RecordOf(manifest)),
            "a packed chunk longer than it says" => Bytes(one, two, With(packed, header => header with { PlainBytes = ChunkBytes - 1 }), RecordOf(manifest)),
            "a wrong digest" => Bytes(one, With(two, header => header with { Id = one.Header.Id, Digest = one.Header.Id }), RecordOf(manifest)),
            "a manifest that lacks a chunk" => Bytes(one, RecordOf(manifest)),
            "a manifest of another size" => Bytes(one, two, RecordOf(manifest with { Head = manifest.Head with { SizeBytes = ChunkBytes } })),
            "a manifest of another digest" => Bytes(one, two, RecordOf(manifest with { Head = manifest.Head with { Digest = one.Header.Id } })),
            "a manifest for other nodes" => Bytes(one, two, RecordOf(manifest with { Head = manifest.Head with { Nodes = [NodeId.Parse("node-9")] } })),
            "a manifest that is none" => Bytes(one, two, Record.Of(RecordKind.Manifest, Alice, "{}"u8)),
            "a failure record" => Bytes(one, two, Record.Of(Failure.InvalidRequest("made up"), Alice)),
            _ => Bytes(one, With(two, header => header with { StoredBytes = Limits.PayloadBytesMax + 1, PlainBytes = Limits.PayloadBytesMax + 1 })),
        };
    }

    private static Record With(Record record, Func<RecordHeader, RecordHeader> change)
    {
        var bytes = record.Bytes.ToArray();
        var header = change(record.Header);
        header.Write(bytes);
        return Record.Wrap(bytes, header with { StoredBytes = record.Header.StoredBytes });
    }

    private static byte[] Whole() => Bytes(Chunk(1, ChunkBytes), Chunk(2, ChunkBytes), RecordOf(FileOf("file-1", 1, Content(1, ChunkBytes), Content(2, ChunkBytes))));

    private static byte[] Bytes(params Record[] records) => [.. records.SelectMany(record => record.Bytes.ToArray())];

    private static RecordHeader HeaderAt(byte[] bytes, int at)
    {
        Assert.True(RecordHeader.TryRead(bytes.AsSpan(at), out var header));
        return header;
    }

    private static async Task<ReceivedSegment> ReceiveAsync(PackStore store, byte[] body) =>
        await new SegmentReceiver(store, new Backup.Storage.Membership.Peers(Node, catalogue: null!)).ReceiveAsync(Alice, [Node], new MemoryStream(body), _ => ValueTask.CompletedTask, default);

    private static Task<Failure> RefusedAsync(PackStore store, byte[] body) => FailsAsync(async () => (await ReceiveAsync(store, body)).Dispose());

    /// <summary>Neither now nor from an index made anew of what the refused segments left in the packs, as far as versions go.</summary>
    private async Task NothingIsThereAsync(int seeds = 3, int chunkBytes = ChunkBytes)
    {
        await using var store = await folder.OpenAsync();
        Assert.Null(await store.ReadManifestAsync(Alice, 1, default));
        for (var seed = 0; seed < seeds; seed++)
            Assert.Equal([0], store.Missing(Alice, [IdOf(seed, chunkBytes)]));
        Assert.DoesNotContain(store.Damage, damage => damage.IsLoss);
    }
}
