using System.IO.Hashing;
using System.Security.Cryptography;
using Backup.Protocol;
using ZstdSharp;

namespace Backup.Tests.Protocol;

/// <summary>Compressed records that claim to be, or are, far more than a record may hold: none is taken, and none costs memory.</summary>
public sealed class BombTests
{
    private static readonly ClientId Client = ClientId.New();

    /// <summary>Half a GiB of zeros, in some kilobytes.</summary>
    private static readonly byte[] Bomb = Wrap(512 << 20);

    [Theory]
    [InlineData(-1)]
    [InlineData(Limits.PayloadBytesMax + 1)]
    [InlineData(512 << 20)]
    [InlineData(int.MaxValue)]
    public async Task One_that_claims_more_than_a_record_may_hold_is_no_record(int claimed)
    {
        var bytes = Packed(claimed);
        Assert.False(RecordHeader.TryRead(bytes, out _));
        await Assert.ThrowsAsync<FailureException>(async () => await new RecordReader(new MemoryStream(bytes), "client").ReadAsync(default));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1000)]
    [InlineData(Limits.ChunkBytesMax)]
    [InlineData(Limits.PayloadBytesMax)]
    public async Task One_that_opens_to_more_than_it_claims_is_corrupt_and_costs_no_more_than_its_claim(int claimed)
    {
        using var record = (await new RecordReader(new MemoryStream(Packed(claimed)), "client").ReadAsync(default))!;
        using var codec = new RecordCodec();
        var before = GC.GetTotalAllocatedBytes(precise: true);
        var failure = Assert.Throws<FailureException>(() => codec.Open(record, "client")).Failure;
        Assert.Equal(FailureCode.Corrupt, failure.Code);
        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - before, 0, 64 << 20);
    }

    private static byte[] Wrap(int zeros)
    {
        var packed = new MemoryStream();
        using (var stream = new CompressionStream(packed, 1, leaveOpen: true))
        {
            var page = new byte[1 << 20];
            for (var i = 0; i < zeros >> 20; i++)
                stream.Write(page);
        }
        return packed.ToArray();
    }

    /// <summary>A record as a sender would make it who is out for harm: whole and with the right digests.</summary>
    private static byte[] Packed(int claimed)
    {
        var bytes = new byte[RecordHeader.LengthBytes + Bomb.Length];
        Bomb.CopyTo(bytes, RecordHeader.LengthBytes);
        new RecordHeader
        {
            Kind = RecordKind.Chunk,
            Encoding = RecordEncoding.Zstd,
            StoredBytes = Bomb.Length,
            PlainBytes = claimed,
            Client = Client,
            Id = ChunkId.Of([1]),
            Digest = new ChunkId(SHA256.HashData(Bomb)),
            PayloadChecksum = XxHash3.HashToUInt64(Bomb),
        }.Write(bytes);
        return bytes;
    }
}
