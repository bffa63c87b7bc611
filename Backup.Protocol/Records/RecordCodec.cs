using System.IO.Hashing;
using System.Security.Cryptography;
using ZstdSharp;

namespace Backup.Protocol;

/// <summary>Compresses records where that pays, and opens them again. One instance serves one thread at a time.</summary>
public sealed class RecordCodec : IDisposable
{
    /// <summary>zstd's level 1 runs at some 500 MiB/s a core and gains nearly what 3 does on documents and code.</summary>
    private const int Level = 1;

    /// <summary>Compression must win an eighth to be worth the reader's time.</summary>
    private const int WorthwhileShare = 8;

    /// <summary>A sample decides for the whole: content that does not shrink here (media, archives) is not tried in full. A sixteenth of a chunk.</summary>
    private const int SampleBytes = Limits.ChunkBytesAverage / 16;

    private readonly Compressor compressor = new(Level);
    private readonly Decompressor decompressor = new();
    private byte[] scratch = [];
    private readonly byte[] sample = new byte[Compressor.GetCompressBound(SampleBytes)];

    /// <summary>The record itself, or a smaller one in its place (the given one is then disposed).</summary>
    public Record Compress(Record raw)
    {
        var plain = raw.Payload.Span;
        if (!PaysOn(plain))
            return raw;
        var room = plain.Length - plain.Length / WorthwhileShare;
        var rented = Record.Rent(room);
        if (!compressor.TryWrap(plain, rented.AsSpan(RecordHeader.LengthBytes, room), out var stored))
        {
            Record.Return(rented);
            return raw;
        }
        var payload = rented.AsSpan(RecordHeader.LengthBytes, stored);
        var digest = default(ChunkId);
        SHA256.HashData(payload, digest);
        var header = raw.Header with
        {
            Encoding = RecordEncoding.Zstd,
            StoredBytes = stored,
            Digest = digest,
            PayloadChecksum = XxHash3.HashToUInt64(payload),
        };
        header.Write(rented);
        raw.Dispose();
        return Record.Wrap(rented, header);
    }

    /// <summary>The plain bytes of a record, checked against its id. Valid until the next call, or until the record is disposed.</summary>
    /// <param name="record">A record whose id is the SHA-256 of its plain bytes.</param>
    /// <exception cref="FailureException">The content is not what its id says.</exception>
    public ReadOnlyMemory<byte> Open(Record record, string culprit)
    {
        var header = record.Header;
        var plain = record.Payload;
        if (header.Encoding == RecordEncoding.Zstd)
        {
            if (scratch.Length < header.PlainBytes)
                scratch = new byte[header.PlainBytes <= Limits.ChunkBytesMax ? Limits.ChunkBytesMax : Limits.PayloadBytesMax];
            plain = TryUnwrap(record.Payload.Span, scratch.AsSpan(0, header.PlainBytes)) ? scratch.AsMemory(0, header.PlainBytes)
                : throw Failure.Corrupt($"{header.Kind} {header.Id}", culprit).Exception();
        }
        return ChunkId.Of(plain.Span) == header.Id ? plain
            : throw Failure.Corrupt($"{header.Kind} {header.Id}", culprit).Exception();
    }

    public void Dispose()
    {
        compressor.Dispose();
        decompressor.Dispose();
    }

    private bool PaysOn(ReadOnlySpan<byte> plain)
    {
        if (plain.Length < 512)
            return false;
        if (plain.Length <= SampleBytes * 4)
            return true;
        var middle = plain.Slice(plain.Length / 2 - SampleBytes / 2, SampleBytes);
        return compressor.TryWrap(middle, sample, out var stored) && stored < SampleBytes - SampleBytes / WorthwhileShare;
    }

    private bool TryUnwrap(ReadOnlySpan<byte> stored, Span<byte> plain)
    {
        try
        {
            return decompressor.TryUnwrap(stored, plain, out var written) && written == plain.Length;
        }
        catch (ZstdException)
        {
            return false;
        }
    }
}
