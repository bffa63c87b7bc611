using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using Backup.Protocol;

namespace Backup.Storage.Packs;

/// <summary>The fixed start of a pack file; docs/formats.md has the bytes.</summary>
internal readonly record struct PackHeader(NodeId Node, Guid Incarnation, int Number)
{
    public const int LengthBytes = 128;
    public const ushort FormatVersion = 1;

    private const uint Magic = 0x31504B42; // "BKP1", little-endian
    private const int ChecksummedBytes = LengthBytes - sizeof(ulong);
    private const int NodeBytes = 32; // the longest node id

    public void Write(Span<byte> to)
    {
        to[..LengthBytes].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(to, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(to[4..], FormatVersion);
        BinaryPrimitives.WriteInt32LittleEndian(to[8..], Number);
        Incarnation.TryWriteBytes(to[16..], bigEndian: true, out _);
        Encoding.ASCII.GetBytes(Node.Value, to.Slice(32, NodeBytes));
        BinaryPrimitives.WriteUInt64LittleEndian(to[ChecksummedBytes..], XxHash3.HashToUInt64(to[..ChecksummedBytes]));
    }

    /// <returns>False when these bytes are no pack header or a damaged one.</returns>
    public static bool TryRead(ReadOnlySpan<byte> from, out PackHeader header, out int formatVersion)
    {
        header = default;
        formatVersion = 0;
        if (from.Length < LengthBytes
            || BinaryPrimitives.ReadUInt32LittleEndian(from) != Magic
            || BinaryPrimitives.ReadUInt64LittleEndian(from[ChecksummedBytes..]) != XxHash3.HashToUInt64(from[..ChecksummedBytes]))
            return false;
        formatVersion = BinaryPrimitives.ReadUInt16LittleEndian(from[4..]);
        var node = Encoding.ASCII.GetString(from.Slice(32, NodeBytes)).TrimEnd('\0');
        if (!NodeId.TryParse(node, null, out var id))
            return false;
        header = new PackHeader(id, new Guid(from.Slice(16, 16), bigEndian: true), BinaryPrimitives.ReadInt32LittleEndian(from[8..]));
        return true;
    }
}

/// <summary>
/// The fixed end of a pack that is full: written after everything before it was fsynced, so that whoever finds it knows
/// every record before it to have been written whole, and a rebuild of the index needs to read the headers only.
/// </summary>
internal static class PackSeal
{
    public const int LengthBytes = 32;

    private const uint Magic = 0x31534B42; // "BKS1", little-endian
    private const int ChecksummedBytes = LengthBytes - sizeof(ulong);

    /// <param name="endOfRecords">Where the seal itself begins.</param>
    public static void Write(Span<byte> to, int number, long endOfRecords)
    {
        to[..LengthBytes].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(to, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(to[8..], number);
        BinaryPrimitives.WriteInt64LittleEndian(to[16..], endOfRecords);
        BinaryPrimitives.WriteUInt64LittleEndian(to[ChecksummedBytes..], XxHash3.HashToUInt64(to[..ChecksummedBytes]));
    }

    public static bool IsValid(ReadOnlySpan<byte> from, int number, long endOfRecords) =>
        from.Length >= LengthBytes
        && BinaryPrimitives.ReadUInt32LittleEndian(from) == Magic
        && BinaryPrimitives.ReadInt32LittleEndian(from[8..]) == number
        && BinaryPrimitives.ReadInt64LittleEndian(from[16..]) == endOfRecords
        && BinaryPrimitives.ReadUInt64LittleEndian(from[ChecksummedBytes..]) == XxHash3.HashToUInt64(from[..ChecksummedBytes]);
}
