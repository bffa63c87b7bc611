using Backup.Protocol;

namespace Backup.Tests.Protocol;

/// <summary>What a sender gathers for one request.</summary>
public sealed class UploadSegmentTests : IDisposable
{
    private static readonly ClientId Alice = ClientId.New();
    private readonly Segment segment = new();
    private readonly Segment left = new();

    public void Dispose()
    {
        segment.Dispose();
        left.Dispose();
    }

    [Fact]
    public void What_is_left_is_taken_once_and_what_is_there_already_is_let_go()
    {
        segment.Add(Chunk(1, 1_000));
        left.Add(Chunk(1, 1_000));
        left.Add(Chunk(2, 2_000));
        // The same bytes as a list are another record.
        left.Add(Record.Of(RecordKind.List, Alice, Content(1, 1_000)));
        Assert.Equal(1_000, segment.TakeFrom(left));
        Assert.Equal([RecordKind.Chunk, RecordKind.Chunk, RecordKind.List], segment.Records.Select(record => record.Header.Kind));
        Assert.Equal((true, 0), (left.IsEmpty, left.Bytes));
        AssertBytesAddUp();
        Assert.Equal(0, segment.TakeFrom(left));
        Assert.Equal(3, segment.Records.Count);
    }

    [Fact]
    public void Bytes_are_those_that_travel_also_after_compression_and_after_records_were_let_go()
    {
        segment.Add(Record.Of(RecordKind.Chunk, Alice, new byte[100_000]));
        segment.Add(Chunk(1, 50_000));
        var raw = segment.Bytes;
        using (var codec = new RecordCodec())
            segment.Compress(codec);
        Assert.InRange(segment.Bytes, 50_000, raw - 90_000);
        AssertBytesAddUp();
        segment.Keep(record => record.Header.Encoding == RecordEncoding.Raw);
        Assert.Single(segment.Records);
        AssertBytesAddUp();
        segment.Keep(_ => false);
        Assert.Equal((true, 0, true), (segment.IsEmpty, segment.Bytes, segment.IsLittle));
    }

    [Fact]
    public void A_full_one_has_room_for_what_is_left_once()
    {
        while (!segment.IsFull)
            segment.Add(Chunk(segment.Records.Count, Limits.ChunkBytesMax));
        for (var i = 1000; left.IsLittle; i++)
        {
            var next = Chunk(i, Limits.ChunkBytesMin);
            if (left.Bytes + next.Header.RecordBytes >= Segment.LittleBytes)
            {
                next.Dispose();
                break;
            }
            left.Add(next);
        }
        Assert.True(segment.HasRoomFor(left));
        using var again = new Segment();
        foreach (var record in left.Records)
            again.Add(record.Share());
        segment.TakeFrom(left);
        Assert.InRange(segment.Bytes, Limits.SegmentBytesTarget + Segment.LittleBytes - Limits.ChunkBytesMin, Limits.SegmentBytesMax);
        Assert.False(segment.HasRoomFor(again));
    }

    private void AssertBytesAddUp() => Assert.Equal(segment.Records.Sum(record => (long)record.Header.RecordBytes), segment.Bytes);

    private static Record Chunk(int seed, int bytes) => Record.Of(RecordKind.Chunk, Alice, Content(seed, bytes));

    private static byte[] Content(int seed, int bytes)
    {
        var content = new byte[bytes];
        new Random(seed).NextBytes(content);
        return content;
    }
}
