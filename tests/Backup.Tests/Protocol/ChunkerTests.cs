using Backup.Protocol;

namespace Backup.Tests.Protocol;

public class ChunkerTests
{
    private static readonly ClientId Client = ClientId.Parse("0123456789abcdef0123456789abcdef");

    [Fact]
    public async Task Chunks_put_together_are_the_file_and_keep_their_bounds()
    {
        var content = Bytes(seed: 1, length: 20 << 20);
        var chunks = await CutAsync(content);
        Assert.Equal(content, chunks.SelectMany(c => c).ToArray());
        Assert.All(chunks[..^1], c => Assert.InRange(c.Length, Limits.ChunkBytesMin, Limits.ChunkBytesMax));
        Assert.InRange(content.Length / chunks.Count, Limits.ChunkBytesAverage / 2, Limits.ChunkBytesAverage * 2);
    }

    [Fact]
    public async Task An_insertion_at_the_start_changes_the_first_chunk_only()
    {
        var content = Bytes(seed: 2, length: 16 << 20);
        var before = (await CutAsync(content)).Select(c => ChunkId.Of(c)).ToHashSet();
        var after = await CutAsync([.. Bytes(seed: 3, length: 1024), .. content]);
        Assert.InRange(after.Count(c => !before.Contains(ChunkId.Of(c))), 1, 2);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(4096)]
    [InlineData(300_000)]
    public async Task Where_it_is_cut_does_not_depend_on_how_it_is_read(int readBytes)
    {
        var content = Bytes(seed: 4, length: readBytes < 100 ? 1 << 20 : 8 << 20);
        Assert.Equal(await CutAsync(content), await CutAsync(content, readBytes));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(Limits.ChunkBytesMin - 1)]
    [InlineData(Limits.ChunkBytesMin)]
    [InlineData(Limits.ChunkBytesMin + 1)]
    public async Task Small_files_are_one_chunk_and_empty_ones_none(int length)
    {
        var content = Bytes(seed: 5, length);
        var chunks = await CutAsync(content);
        Assert.True(chunks.Count <= 2);
        Assert.Equal(length == 0, chunks.Count == 0);
        Assert.Equal(content, chunks.SelectMany(c => c).ToArray());
    }

    [Fact]
    public async Task Content_without_a_cut_is_cut_at_the_largest_size()
    {
        var chunks = await CutAsync(new byte[10 << 20]);
        Assert.Equal([Limits.ChunkBytesMax, Limits.ChunkBytesMax], chunks[..2].Select(c => c.Length));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(3_000_000)]
    public async Task A_source_may_be_longer_or_shorter_than_expected(long expected)
    {
        var content = Bytes(seed: 6, length: 2 << 20);
        await using var chunks = new FileChunks(new MemoryStream(content), Client, expected);
        var read = new List<byte>();
        while (await chunks.NextAsync(default) is { } record)
        {
            using (record)
                read.AddRange(record.Payload.Span);
        }
        Assert.Equal(content, read);
    }

    [Fact]
    public async Task A_source_that_fails_under_way_says_so_while_earlier_chunks_are_still_hashed()
    {
        await using var chunks = new FileChunks(new Breaking(Bytes(seed: 7, length: 4 << 20)), Client, 8 << 20);
        await Assert.ThrowsAsync<IOException>(async () =>
        {
            while (await chunks.NextAsync(default) is { } record)
                record.Dispose();
        });
    }

    /// <summary>The cuts are part of the format: other ones would store every file anew.</summary>
    [Fact]
    public async Task The_cuts_of_format_1_stay_where_they_are()
    {
        var lengths = (await CutAsync(Bytes(seed: 1, length: 1 << 20))).Select(c => c.Length);
        Assert.Equal(Cuts, string.Join(' ', lengths));
    }

    private const string Cuts = "100856 130460 151828 70475 114063 110754 107831 106426 108205 47678";

    private static byte[] Bytes(int seed, int length)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static async Task<List<byte[]>> CutAsync(byte[] content, int readBytes = int.MaxValue)
    {
        var chunks = new List<byte[]>();
        await using var file = new FileChunks(new Trickle(content, readBytes), Client, content.Length);
        while (await file.NextAsync(default) is { } record)
        {
            using (record)
            {
                Assert.True(record.DigestMatches() && record.ChecksumMatches());
                chunks.Add(record.Payload.ToArray());
            }
        }
        return chunks;
    }

    private sealed class Trickle(byte[] content, int readBytes) : MemoryStream(content)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(buffer.Length, readBytes)], cancellationToken);
    }

    /// <summary>Gives its content and then fails, as a file on a disk that cannot be read further.</summary>
    private sealed class Breaking(byte[] content) : MemoryStream(content)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken ct = default) =>
            Position < Length ? base.ReadAsync(buffer, ct) : throw new IOException("The disk cannot read it.");
    }
}
