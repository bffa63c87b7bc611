using System.Buffers.Binary;
using System.IO.Hashing;

namespace Backup.Protocol;

/// <summary>What a record holds. The numbers are written to disk: never reuse one.</summary>
public enum RecordKind : byte
{
    /// <summary>A content-defined piece of a file. Its id is the SHA-256 of its plain bytes, or a keyed one where it is sealed.</summary>
    Chunk = 1,

    /// <summary>A list of chunk references, for files of more than <see cref="Limits.RefsPerList"/> chunks. Its id is the SHA-256 of its plain bytes.</summary>
    List = 2,

    /// <summary>One version of one file: a <see cref="Protocol.Manifest"/>. Its id is the SHA-256 of its plain bytes.</summary>
    Manifest = 3,

    /// <summary>Versions that are forgotten, in JSON: their manifests before it in the packs count no more. Written by a node for itself; no segment may hold it.</summary>
    Forget = 4,

    /// <summary>Never on disk: ends a stream that cannot go on, with a <see cref="Failure"/> in JSON as its payload.</summary>
    Failure = 255,
}

/// <summary>How a payload is stored.</summary>
public enum RecordEncoding : byte
{
    Raw = 0,
    Zstd = 1,

    /// <summary>Chunks only: encrypted at the client (<see cref="ClientCipher"/>). Nodes check digest and checksum, as of every record; the id only the client can.</summary>
    SealedRaw = 2,

    /// <summary>The same, compressed before it was encrypted.</summary>
    SealedZstd = 3,
}

/// <summary>
/// The fixed head of every record, the same on the wire and in a pack; docs/formats.md has the bytes.
/// Two digests protect the payload: <see cref="Digest"/> (SHA-256) is checked where bytes arrive from another machine,
/// <see cref="PayloadChecksum"/> (XXH3, some eight times cheaper) each time they are read back from disk.
/// </summary>
public readonly record struct RecordHeader
{
    public const int LengthBytes = 112;

    private const uint Magic = 0x31524B42; // "BKR1", little-endian

    /// <summary>How every record begins, for whoever looks for the next one behind a damaged place.</summary>
    public static ReadOnlySpan<byte> MagicBytes => "BKR1"u8;

    private const int ChecksummedBytes = LengthBytes - sizeof(ulong);

    public required RecordKind Kind { get; init; }

    public required RecordEncoding Encoding { get; init; }

    /// <summary>Payload bytes as stored and sent.</summary>
    public required int StoredBytes { get; init; }

    /// <summary>Payload bytes once decoded.</summary>
    public required int PlainBytes { get; init; }

    public required ClientId Client { get; init; }

    public required ChunkId Id { get; init; }

    /// <summary>SHA-256 of the stored payload; equal to <see cref="Id"/> where that is the SHA-256 of the same bytes.</summary>
    public required ChunkId Digest { get; init; }

    /// <summary>XXH3-64 of the stored payload.</summary>
    public required ulong PayloadChecksum { get; init; }

    public bool IsSealed => Encoding is RecordEncoding.SealedRaw or RecordEncoding.SealedZstd;

    /// <summary>Header and payload together.</summary>
    public int RecordBytes => LengthBytes + StoredBytes;

    public void Write(Span<byte> to)
    {
        to[..LengthBytes].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(to, Magic);
        to[4] = (byte)Kind;
        to[5] = (byte)Encoding;
        BinaryPrimitives.WriteInt32LittleEndian(to[8..], StoredBytes);
        BinaryPrimitives.WriteInt32LittleEndian(to[12..], PlainBytes);
        Client.Write(to[16..]);
        Id.Write(to[32..]);
        Digest.Write(to[64..]);
        BinaryPrimitives.WriteUInt64LittleEndian(to[96..], PayloadChecksum);
        BinaryPrimitives.WriteUInt64LittleEndian(to[ChecksummedBytes..], XxHash3.HashToUInt64(to[..ChecksummedBytes]));
    }

    /// <summary>Reads and checks a header.</summary>
    /// <returns>False when these bytes are no header, a damaged one, or one that breaks a limit.</returns>
    public static bool TryRead(ReadOnlySpan<byte> from, out RecordHeader header)
    {
        header = default;
        if (from.Length < LengthBytes
            || BinaryPrimitives.ReadUInt32LittleEndian(from) != Magic
            || BinaryPrimitives.ReadUInt64LittleEndian(from[ChecksummedBytes..]) != XxHash3.HashToUInt64(from[..ChecksummedBytes]))
            return false;
        header = new RecordHeader
        {
            Kind = (RecordKind)from[4],
            Encoding = (RecordEncoding)from[5],
            StoredBytes = BinaryPrimitives.ReadInt32LittleEndian(from[8..]),
            PlainBytes = BinaryPrimitives.ReadInt32LittleEndian(from[12..]),
            Client = ClientId.Read(from.Slice(16, ClientId.LengthBytes)),
            Id = new ChunkId(from.Slice(32, ChunkId.LengthBytes)),
            Digest = new ChunkId(from.Slice(64, ChunkId.LengthBytes)),
            PayloadChecksum = BinaryPrimitives.ReadUInt64LittleEndian(from[96..]),
        };
        return header.IsWithinLimits;
    }

    private bool IsWithinLimits =>
        Enum.IsDefined(Kind) && Enum.IsDefined(Encoding)
        && StoredBytes is >= 0 and <= Limits.PayloadBytesMax
        && PlainBytes is >= 0 and <= Limits.PayloadBytesMax
        && (Encoding != RecordEncoding.Raw || StoredBytes == PlainBytes)
        && (!IsSealed || (Kind == RecordKind.Chunk && StoredBytes >= ClientCipher.OverheadBytes));
}
