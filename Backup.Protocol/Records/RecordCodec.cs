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

    /// <summary>A sample decides for the whole: content that does not shrink here (media, archives) is not tried in full.</summary>
    private const int SampleBytes = 16 << 10;

    private readonly Compressor compressor = new(Level);
    private readonly Decompressor decompressor = new();
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

    /// <summary>Decodes a payload and checks it against the record's id.</summary>
    /// <param name="record">A record whose id is the SHA-256 of its plain bytes.</param>
    /// <param name="plain">At least <see cref="RecordHeader.PlainBytes"/> long.</param>
    /// <exception cref="FailureException">The content is not what its id says.</exception>
    public void Open(Record record, Span<byte> plain, string culprit)
    {
        var header = record.Header;
        plain = plain[..header.PlainBytes];
        if (header.Encoding == RecordEncoding.Raw)
            record.Payload.Span.CopyTo(plain);
        else if (!TryUnwrap(record.Payload.Span, plain))
            throw Failure.Corrupt($"{header.Kind} {header.Id}", culprit).Exception();
        if (ChunkId.Of(plain) != header.Id)
            throw Failure.Corrupt($"{header.Kind} {header.Id}", culprit).Exception();
    }

    /// <summary>Decodes and checks a payload into an array of its own, for manifests and lists.</summary>
    public byte[] Open(Record record, string culprit)
    {
        var plain = new byte[record.Header.PlainBytes];
        Open(record, plain, culprit);
        return plain;
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
        if (plain.Length <= SampleBytes * 2)
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
