using System.Collections.Concurrent;
using System.IO.Hashing;
using System.Security.Cryptography;
using ZstdSharp;

namespace Backup.Protocol;

/// <summary>Compresses records where that pays, and opens them again. One instance serves one thread at a time, and costs next to nothing to make.</summary>
/// <param name="cipher">Of an encrypting client: chunks are sealed, and taken only where they are.</param>
public sealed class RecordCodec(ClientCipher? cipher = null) : IDisposable
{
    /// <summary>zstd's level 1 runs at some 500 MiB/s a core and gains nearly what 3 does on documents and code.</summary>
    private const int Level = 1;

    /// <summary>Compression must win an eighth to be worth the reader's time.</summary>
    private const int WorthwhileShare = 8;

    /// <summary>A sample decides for the whole: content that does not shrink here (media, archives) is not tried in full. A sixteenth of a chunk.</summary>
    private const int SampleBytes = Limits.ChunkBytesAverage / 16;

    private const int SealedChunkBytesMax = Limits.ChunkBytesMax + ClientCipher.OverheadBytes;

    /// <summary>How many are kept for later codecs; no more are in use at once on a few cores.</summary>
    private const int ToolsKept = 8;

    private static readonly ConcurrentBag<Tools> Kept = [];

    private Tools? tools = Kept.TryTake(out var kept) ? kept : new Tools();

    private Tools InUse => tools ?? throw new ObjectDisposedException(nameof(RecordCodec));

    /// <summary>The record as it is to be stored: itself, or a smaller or a sealed one in its place (the given one is then disposed).</summary>
    public Record Compress(Record raw)
    {
        var plain = raw.Payload.Span;
        var isSealed = cipher is not null && raw.Header.Kind == RecordKind.Chunk;
        if (!PaysOn(plain))
            return isSealed ? Seal(raw, plain, isCompressed: false) : raw;
        var room = plain.Length - plain.Length / WorthwhileShare;
        var rented = Record.Rent(room);
        if (!InUse.Compressor.TryWrap(plain, rented.AsSpan(RecordHeader.LengthBytes, room), out var stored))
        {
            Record.Return(rented);
            return isSealed ? Seal(raw, plain, isCompressed: false) : raw;
        }
        var payload = rented.AsSpan(RecordHeader.LengthBytes, stored);
        if (isSealed)
        {
            var made = Seal(raw, payload, isCompressed: true);
            Record.Return(rented);
            return made;
        }
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
    /// <exception cref="FailureException">The content is not what its id says, or it is encrypted and the key is not here.</exception>
    public ReadOnlyMemory<byte> Open(Record record, string culprit)
    {
        var header = record.Header;
        if (header.IsSealed && cipher is null)
            throw EncryptedClients.KeyNeeded(header.Client).Exception();
        // A plain chunk in an encrypted file is not this client's, whatever its id says.
        var isGenuine = header.IsSealed || cipher is null || header.Kind != RecordKind.Chunk;
        var packed = header.IsSealed ? OpenSealed(record) : record.Payload;
        var plain = header.Encoding is RecordEncoding.Zstd or RecordEncoding.SealedZstd ? Unpack(packed, header.PlainBytes) : packed;
        return isGenuine && plain is { } content && (header.IsSealed ? cipher!.IdOf(content.Span) : ChunkId.Of(content.Span)) == header.Id ? content
            : throw Failure.Corrupt($"{header.Kind} {header.Id}", culprit).Exception();
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref tools, null) is not { } used)
            return;
        // Buffers for the largest payloads are rare: they go.
        if (Kept.Count < ToolsKept && Math.Max(used.Scratch.Length, used.Opened.Length) <= SealedChunkBytesMax)
            Kept.Add(used);
        else
            used.Dispose();
    }

    private bool PaysOn(ReadOnlySpan<byte> plain)
    {
        if (plain.Length < 512)
            return false;
        if (plain.Length <= SampleBytes * 4)
            return true;
        var middle = plain.Slice(plain.Length / 2 - SampleBytes / 2, SampleBytes);
        return InUse.Compressor.TryWrap(middle, InUse.Sample, out var stored) && stored < SampleBytes - SampleBytes / WorthwhileShare;
    }

    private Record Seal(Record raw, ReadOnlySpan<byte> packed, bool isCompressed)
    {
        var made = cipher!.Seal(raw.Header, packed, isCompressed);
        raw.Dispose();
        return made;
    }

    private ReadOnlyMemory<byte>? OpenSealed(Record record)
    {
        Grow(ref InUse.Opened, record.Header.StoredBytes);
        var length = cipher!.Open(record.Header, record.Payload.Span, InUse.Opened);
        return length < 0 ? null : InUse.Opened.AsMemory(0, length);
    }

    private ReadOnlyMemory<byte>? Unpack(ReadOnlyMemory<byte>? packed, int plainBytes)
    {
        if (packed is null)
            return null;
        Grow(ref InUse.Scratch, plainBytes);
        return TryUnwrap(packed.Value.Span, InUse.Scratch.AsSpan(0, plainBytes)) ? InUse.Scratch.AsMemory(0, plainBytes) : null;
    }

    private static void Grow(ref byte[] buffer, int bytes)
    {
        if (buffer.Length < bytes)
            buffer = new byte[bytes <= SealedChunkBytesMax ? SealedChunkBytesMax : Limits.PayloadBytesMax];
    }

    private bool TryUnwrap(ReadOnlySpan<byte> stored, Span<byte> plain)
    {
        try
        {
            return InUse.Decompressor.TryUnwrap(stored, plain, out var written) && written == plain.Length;
        }
        catch (ZstdException)
        {
            return false;
        }
    }

    /// <summary>Some hundred KiB each, more than a segment of small files holds: hence kept.</summary>
    private sealed class Tools : IDisposable
    {
        public readonly Compressor Compressor = new(Level);
        public readonly Decompressor Decompressor = new();
        public readonly byte[] Sample = new byte[Compressor.GetCompressBound(SampleBytes)];
        public byte[] Scratch = [];
        public byte[] Opened = [];

        public void Dispose()
        {
            Compressor.Dispose();
            Decompressor.Dispose();
        }
    }
}
