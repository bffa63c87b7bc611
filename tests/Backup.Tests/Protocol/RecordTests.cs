using Backup.Protocol;

namespace Backup.Tests.Protocol;

public class RecordTests
{
    private static readonly ClientId Client = ClientId.Parse("0123456789abcdef0123456789abcdef");

    [Fact]
    public async Task Records_come_back_as_they_were_written()
    {
        using var chunk = Record.Of(RecordKind.Chunk, Client, "some content"u8);
        using var empty = Record.Of(RecordKind.Chunk, Client, []);
        var reader = new RecordReader(new MemoryStream([.. chunk.Bytes.ToArray(), .. empty.Bytes.ToArray()]), "client");

        using var first = await reader.ReadAsync(default);
        using var second = await reader.ReadAsync(default);
        Assert.Equal(chunk.Header, first!.Header);
        Assert.Equal("some content"u8.ToArray(), first.Payload.ToArray());
        Assert.Equal(empty.Header, second!.Header);
        Assert.Null(await reader.ReadAsync(default));
    }

    [Fact]
    public void No_flipped_bit_goes_unnoticed()
    {
        using var record = Record.Of(RecordKind.Chunk, Client, "some content"u8);
        for (var i = 0; i < record.Header.RecordBytes * 8; i++)
        {
            var bytes = record.Bytes.ToArray();
            bytes[i / 8] ^= (byte)(1 << (i % 8));
            if (!RecordHeader.TryRead(bytes, out var header))
                continue;
            Assert.True(i / 8 >= RecordHeader.LengthBytes, $"bit {i} of the header");
            var rented = Record.Rent(header.StoredBytes);
            bytes.CopyTo(rented, 0);
            using var flipped = Record.Wrap(rented, header);
            Assert.False(flipped.DigestMatches(), $"bit {i} by digest");
            Assert.False(flipped.ChecksumMatches(), $"bit {i} by checksum");
        }
    }

    [Fact]
    public async Task A_stream_cut_off_at_any_byte_is_noticed()
    {
        using var record = Record.Of(RecordKind.Chunk, Client, "some content"u8);
        for (var length = 1; length < record.Header.RecordBytes; length++)
        {
            var reader = new RecordReader(new MemoryStream(record.Bytes[..length].ToArray()), "node-1");
            var e = await Assert.ThrowsAsync<FailureException>(async () => await reader.ReadAsync(default));
            Assert.Equal(FailureCode.NodeUnreachable, e.Failure.Code);
            Assert.Equal("node-1", e.Failure.Culprit);
        }
    }

    [Fact]
    public async Task The_senders_failure_comes_out_as_it_was()
    {
        var failure = Failure.Corrupt("chunk 12", "node-3");
        using var record = Record.Of(failure, Client);
        var reader = new RecordReader(new MemoryStream(record.Bytes.ToArray()), "node-1");
        Assert.Equal(failure, (await Assert.ThrowsAsync<FailureException>(async () => await reader.ReadAsync(default))).Failure);
    }

    [Fact]
    public void A_raw_record_under_another_contents_name_does_not_match()
    {
        using var record = Record.Of(RecordKind.Chunk, Client, "some content"u8);
        var header = record.Header with { Id = ChunkId.Of("other content"u8) };
        var rented = Record.Rent(header.StoredBytes);
        record.Bytes.CopyTo(rented);
        header.Write(rented);
        using var lying = Record.Wrap(rented, header);
        Assert.False(lying.DigestMatches());
    }

    [Fact]
    public void What_compresses_is_stored_smaller_and_opens_again()
    {
        using var codec = new RecordCodec();
        var text = System.Text.Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 100_000).Select(i => $"line {i % 777}\n")));
        using var small = codec.Compress(Record.Of(RecordKind.Chunk, Client, text));
        Assert.Equal(RecordEncoding.Zstd, small.Header.Encoding);
        Assert.InRange(small.Header.StoredBytes, 1, text.Length / 4);
        Assert.True(small.DigestMatches());
        Assert.Equal(text, codec.Open(small, "node-1").ToArray());
    }

    [Fact]
    public void What_codecs_share_serves_one_of_them_at_a_time()
    {
        var first = new RecordCodec();
        using var one = first.Compress(Record.Of(RecordKind.Chunk, Client, new byte[10_000]));
        using var two = first.Compress(Record.Of(RecordKind.Chunk, Client, [.. Enumerable.Repeat((byte)1, 10_000)]));
        first.Dispose();
        first.Dispose();
        Assert.Throws<ObjectDisposedException>(() => first.Open(one, "node-1"));
        using var second = new RecordCodec();
        using var third = new RecordCodec();
        var opened = second.Open(one, "node-1");
        Assert.Equal(1, third.Open(two, "node-1").Span[0]);
        Assert.Equal(0, opened.Span[0]);
    }

    [Fact]
    public void What_does_not_compress_is_left_alone()
    {
        using var codec = new RecordCodec();
        var noise = new byte[1 << 20];
        new Random(1).NextBytes(noise);
        using var same = codec.Compress(Record.Of(RecordKind.Chunk, Client, noise));
        Assert.Equal(RecordEncoding.Raw, same.Header.Encoding);
    }

    [Fact]
    public void A_compressed_record_whose_id_lies_is_not_opened()
    {
        using var codec = new RecordCodec();
        using var small = codec.Compress(Record.Of(RecordKind.Chunk, Client, new byte[100_000]));
        var header = small.Header with { Id = ChunkId.Of("something else"u8) };
        var rented = Record.Rent(header.StoredBytes);
        small.Bytes.CopyTo(rented);
        header.Write(rented);
        using var lying = Record.Wrap(rented, header);
        Assert.Equal(FailureCode.Corrupt, Assert.Throws<FailureException>(() => codec.Open(lying, "node-1")).Failure.Code);
    }

    [Fact]
    public void A_manifest_comes_back_as_it_was()
    {
        var manifest = new Manifest(new ManifestHead
        {
            Path = RootedPath.Parse("a folder/ä\n.txt"),
            Version = 7,
            Kind = VersionKind.File,
            TimeMs = 1_700_000_000_000,
            SizeBytes = 12,
            Digest = ChunkId.Of("x"u8),
            MtimeNs = -1,
            Mode = 0b110_100_100,
            Nodes = [NodeId.Parse("node-1"), NodeId.Parse("node-2")],
            Epoch = 3,
        }, [new ChunkRef(ChunkId.Of("y"u8), 12)]);
        var read = Manifest.Decode(manifest.Encode(), "node-1");
        Assert.Equal(manifest.Head with { Nodes = [] }, read.Head with { Nodes = [] });
        Assert.Equal(manifest.Head.Nodes, read.Head.Nodes);
        Assert.Equal(manifest.Refs, read.Refs);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(40)]
    public void What_is_no_manifest_is_refused(int length)
    {
        var bytes = new byte[length];
        Array.Fill(bytes, (byte)0x7F);
        Assert.Equal(FailureCode.InvalidRequest, Assert.Throws<FailureException>(() => Manifest.Decode(bytes, "client")).Failure.Code);
    }
}
