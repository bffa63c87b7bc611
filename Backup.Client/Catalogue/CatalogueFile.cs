using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using Backup.Protocol;

namespace Backup.Client;

/// <summary>
/// Entries in a file, in the order of their paths: a header, the entries, a checksum over both. It is read from start to end
/// and never changed in place. One that is damaged in any byte counts as absent: losing it costs nothing but reading files again.
/// <code>
/// header   "BKCAT" 0x00, format (u16), client (16 bytes), sequence (i64), entries (i64)
/// entry    path length (u16), kind (u8), flags (u8: 1 = racy), size, mtime, ctime, inode (i64 each), mode (i32), version (i64), digest (32), path
/// trailer  XXH3-64 of all before it
/// </code>
/// All numbers are little-endian.
/// </summary>
internal static class CatalogueFile
{
    public const int HeaderBytes = 6 + 2 + 16 + 8 + 8;
    public const int TrailerBytes = 8;
    public const int EntryBytesMax = EntryFixedBytes + RootedPath.PathBytesMax;

    private const int EntryFixedBytes = 2 + 1 + 1 + 4 * 8 + 4 + 8 + ChunkId.LengthBytes;
    private const ushort Format = 1;
    private const int BufferBytes = 128 << 10;

    private static ReadOnlySpan<byte> Magic => "BKCAT\0"u8;

    public readonly record struct Header(ClientId Client, long Sequence, long Entries);

    /// <summary>The header, when the file is whole and of this client; null otherwise.</summary>
    public static Header? Check(string path, ClientId client)
    {
        try
        {
            using var file = Read(path);
            Span<byte> header = stackalloc byte[HeaderBytes];
            if (file.Length < HeaderBytes + TrailerBytes || file.ReadAtLeast(header, HeaderBytes, throwOnEndOfStream: false) < HeaderBytes)
                return null;
            var checksum = new XxHash3();
            checksum.Append(header);
            var buffer = new byte[BufferBytes];
            for (var left = file.Length - HeaderBytes - TrailerBytes; left > 0;)
            {
                var read = file.Read(buffer, 0, (int)Math.Min(left, buffer.Length));
                if (read == 0)
                    return null;
                checksum.Append(buffer.AsSpan(0, read));
                left -= read;
            }
            file.ReadExactly(buffer, 0, TrailerBytes);
            if (!header.StartsWith(Magic) || BinaryPrimitives.ReadUInt16LittleEndian(header[6..]) != Format || ClientId.Read(header.Slice(8, 16)) != client
                || BinaryPrimitives.ReadUInt64LittleEndian(buffer) != checksum.GetCurrentHashAsUInt64())
                return null;
            return new Header(client, BinaryPrimitives.ReadInt64LittleEndian(header[24..]), BinaryPrimitives.ReadInt64LittleEndian(header[32..]));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>The entries of a file that was found whole.</summary>
    public static IEnumerable<CatalogueEntry> Entries(string path)
    {
        using var file = Read(path);
        var header = new byte[HeaderBytes];
        file.ReadExactly(header);
        var buffer = new byte[EntryBytesMax];
        for (var left = BinaryPrimitives.ReadInt64LittleEndian(header.AsSpan(32)); left > 0; left--)
        {
            file.ReadExactly(buffer, 0, EntryFixedBytes);
            var pathBytes = BinaryPrimitives.ReadUInt16LittleEndian(buffer);
            file.ReadExactly(buffer, EntryFixedBytes, pathBytes);
            yield return Decode(buffer.AsSpan(0, EntryFixedBytes + pathBytes));
        }
    }

    public static void WriteHeader(Span<byte> to, Header header)
    {
        Magic.CopyTo(to);
        BinaryPrimitives.WriteUInt16LittleEndian(to[6..], Format);
        header.Client.Write(to.Slice(8, 16));
        BinaryPrimitives.WriteInt64LittleEndian(to[24..], header.Sequence);
        BinaryPrimitives.WriteInt64LittleEndian(to[32..], header.Entries);
    }

    /// <returns>The bytes written.</returns>
    public static int Encode(CatalogueEntry entry, Span<byte> to)
    {
        var pathBytes = Encoding.UTF8.GetBytes(entry.Path.Value, to[EntryFixedBytes..]);
        BinaryPrimitives.WriteUInt16LittleEndian(to, (ushort)pathBytes);
        to[2] = (byte)entry.Kind;
        to[3] = entry.Racy ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteInt64LittleEndian(to[4..], entry.SizeBytes);
        BinaryPrimitives.WriteInt64LittleEndian(to[12..], entry.MtimeNs);
        BinaryPrimitives.WriteInt64LittleEndian(to[20..], entry.CtimeNs);
        BinaryPrimitives.WriteUInt64LittleEndian(to[28..], entry.Inode);
        BinaryPrimitives.WriteInt32LittleEndian(to[36..], entry.Mode);
        BinaryPrimitives.WriteInt64LittleEndian(to[40..], entry.Version);
        entry.Digest.Write(to[48..]);
        return EntryFixedBytes + pathBytes;
    }

    private static CatalogueEntry Decode(ReadOnlySpan<byte> from) => new(
        RootedPath.Parse(Encoding.UTF8.GetString(from[EntryFixedBytes..])), (VersionKind)from[2],
        BinaryPrimitives.ReadInt64LittleEndian(from[4..]), BinaryPrimitives.ReadInt64LittleEndian(from[12..]),
        BinaryPrimitives.ReadInt64LittleEndian(from[20..]), BinaryPrimitives.ReadUInt64LittleEndian(from[28..]),
        BinaryPrimitives.ReadInt32LittleEndian(from[36..]), BinaryPrimitives.ReadInt64LittleEndian(from[40..]),
        new ChunkId(from.Slice(48, ChunkId.LengthBytes)), from[3] != 0);

    private static FileStream Read(string path) => new(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, BufferBytes);
}
