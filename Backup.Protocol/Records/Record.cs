using System.Buffers;
using System.IO.Hashing;
using System.Security.Cryptography;
using System.Text.Json;

namespace Backup.Protocol;

/// <summary>
/// A whole record in one pooled buffer, header and payload side by side, so that the same bytes can be written to a pack
/// and to a connection without being copied. Several owners may hold it: each that <see cref="Share"/>s it disposes it once.
/// </summary>
public sealed class Record : IDisposable
{
    /// <summary>
    /// A segment is some 170 chunks of a large file, and three are under way: the shared pool keeps 32 buffers of a size for each core and leaves
    /// the rest to the collector, which at this size means its most expensive heap.
    /// </summary>
    private static readonly ArrayPool<byte> Buffers = ArrayPool<byte>.Create(maxArrayLength: 4 << 20, maxArraysPerBucket: 512);

    private byte[]? buffer;
    private int owners = 1;

    private Record(byte[] buffer, RecordHeader header)
    {
        this.buffer = buffer;
        Header = header;
    }

    public RecordHeader Header { get; }

    /// <summary>Header and payload, as they travel and as they lie in a pack.</summary>
    public ReadOnlyMemory<byte> Bytes => Buffer.AsMemory(0, Header.RecordBytes);

    public ReadOnlyMemory<byte> Payload => Buffer.AsMemory(RecordHeader.LengthBytes, Header.StoredBytes);

    private byte[] Buffer => buffer ?? throw new ObjectDisposedException(nameof(Record));

    /// <summary>A buffer for a record of up to this many payload bytes. Fill it from <see cref="RecordHeader.LengthBytes"/> on, then <see cref="Seal"/> it.</summary>
    public static byte[] Rent(int payloadBytes) => Buffers.Rent(RecordHeader.LengthBytes + payloadBytes);

    public static void Return(byte[] rented) => Buffers.Return(rented);

    /// <summary>Wraps a rented buffer whose header and payload are both in place already, as they were received or read.</summary>
    public static Record Wrap(byte[] rented, RecordHeader header) => new(rented, header);

    /// <summary>Makes a raw record of a rented buffer whose payload is in place: computes id, digest and checksum and writes the header.</summary>
    public static Record Seal(byte[] rented, RecordKind kind, ClientId client, int payloadBytes)
    {
        var payload = rented.AsSpan(RecordHeader.LengthBytes, payloadBytes);
        var id = ChunkId.Of(payload);
        var header = new RecordHeader
        {
            Kind = kind,
            Encoding = RecordEncoding.Raw,
            StoredBytes = payloadBytes,
            PlainBytes = payloadBytes,
            Client = client,
            Id = id,
            Digest = id,
            PayloadChecksum = XxHash3.HashToUInt64(payload),
        };
        header.Write(rented);
        return new Record(rented, header);
    }

    /// <summary>
    /// Makes a plain chunk of a rented buffer under a keyed id. It has no digest, so that no node would take it:
    /// <see cref="RecordCodec.Compress"/> puts a sealed one in its place once it is known to be wanted.
    /// </summary>
    public static Record Name(byte[] rented, ClientCipher cipher, int payloadBytes) => new(rented, new RecordHeader
    {
        Kind = RecordKind.Chunk,
        Encoding = RecordEncoding.Raw,
        StoredBytes = payloadBytes,
        PlainBytes = payloadBytes,
        Client = cipher.Client,
        Id = cipher.IdOf(rented.AsSpan(RecordHeader.LengthBytes, payloadBytes)),
        Digest = default,
        PayloadChecksum = 0,
    });

    /// <summary>A raw record of this content.</summary>
    public static Record Of(RecordKind kind, ClientId client, ReadOnlySpan<byte> content)
    {
        var rented = Rent(content.Length);
        content.CopyTo(rented.AsSpan(RecordHeader.LengthBytes));
        return Seal(rented, kind, client, content.Length);
    }

    /// <summary>The record that ends a stream which cannot go on.</summary>
    public static Record Of(Failure failure, ClientId client) =>
        Of(RecordKind.Failure, client, JsonSerializer.SerializeToUtf8Bytes(failure, WireJson.Default.Failure));

    /// <summary>Adds an owner.</summary>
    public Record Share()
    {
        Interlocked.Increment(ref owners);
        return this;
    }

    /// <summary>Whether the stored payload matches the digest it was announced with. Asked where bytes arrive from another machine.</summary>
    public bool DigestMatches()
    {
        var digest = default(ChunkId);
        SHA256.HashData(Payload.Span, digest);
        // Raw content names itself: an id that differs from its digest would be a chunk under a false name.
        return digest == Header.Digest && (Header.Encoding != RecordEncoding.Raw || Header.Id == Header.Digest);
    }

    /// <summary>Whether the stored payload matches its checksum. Asked each time bytes were read back from disk.</summary>
    public bool ChecksumMatches() => XxHash3.HashToUInt64(Payload.Span) == Header.PayloadChecksum;

    public void Dispose()
    {
        if (Interlocked.Decrement(ref owners) != 0)
            return;
        if (Interlocked.Exchange(ref buffer, null) is { } rented)
            Return(rented);
    }
}
