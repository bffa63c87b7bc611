using Backup.Protocol;
using Microsoft.Win32.SafeHandles;

namespace Backup.Storage.Packs;

/// <summary>A piece of a pack, in the pack's order: a record, or a stretch that is none.</summary>
/// <param name="Header">The record's, or null for a stretch without a valid header.</param>
/// <param name="IsWhole">Whether this is a record, as far as it was checked.</param>
/// <param name="Payload">The payload where it was read, valid until the next piece is asked for.</param>
internal readonly record struct Piece(long Offset, long Bytes, RecordHeader? Header, bool IsWhole, ReadOnlyMemory<byte> Payload);

/// <summary>
/// Walks over a pack from record to record. Payloads are checked where asked for, and always where the caller needs them
/// (manifests, forgotten versions). Behind a damaged header it looks for the next valid one: a header has a magic and a checksum of its own.
/// A record's payload is never searched, however damaged: it may hold a file that looks like a pack.
/// </summary>
internal sealed class PackScanner(Disk disk, SafeFileHandle file, long end, bool checkPayloads)
{
    /// <summary>Long reads while records are small; 256 KiB is where larger ones bring no more from a disk that reads ahead.</summary>
    private const int WindowBytesMax = 256 << 10;

    /// <summary>A page, where a record's payload is larger than the window and only its header is wanted.</summary>
    private const int WindowBytesMin = 4 << 10;

    private readonly byte[] window = new byte[WindowBytesMax];
    private byte[] payload = [];
    private long windowStart;
    private int windowBytes;

    /// <summary>Whether the disk refused to read a part.</summary>
    public bool HasUnreadable { get; private set; }

    public IEnumerable<Piece> From(long offset)
    {
        while (offset < end)
        {
            var piece = Next(offset);
            yield return piece;
            offset += piece.Bytes;
        }
    }

    private Piece Next(long offset)
    {
        if (!RecordHeader.TryRead(Look(offset, RecordHeader.LengthBytes), out var header) || header.Kind == RecordKind.Failure)
            return new Piece(offset, Resync(offset + 1) - offset, null, false, default);
        if (offset + header.RecordBytes > end)
            return new Piece(offset, end - offset, header, false, default);
        if (!checkPayloads && header.Kind is not (RecordKind.Manifest or RecordKind.Forget))
            return new Piece(offset, header.RecordBytes, header, true, default);

        var bytes = ReadPayload(offset + RecordHeader.LengthBytes, header.StoredBytes);
        var whole = System.IO.Hashing.XxHash3.HashToUInt64(bytes.Span) == header.PayloadChecksum;
        return new Piece(offset, header.RecordBytes, header, whole, bytes);
    }

    /// <summary>The offset of the next valid header from here on, or the end.</summary>
    private long Resync(long offset)
    {
        while (offset < end)
        {
            var seen = Look(offset, WindowBytesMax);
            var found = seen.IndexOf(RecordHeader.MagicBytes);
            if (found < 0)
            {
                // The magic may begin in the last three bytes of what was looked at.
                if (offset + seen.Length >= end)
                    return end;
                offset += Math.Max(1, seen.Length - 3);
                continue;
            }
            offset += found;
            if (RecordHeader.TryRead(Look(offset, RecordHeader.LengthBytes), out var header) && header.Kind != RecordKind.Failure)
                return offset;
            offset++;
        }
        return end;
    }

    /// <summary>The bytes from here on, as many as asked for or as there are, through the window.</summary>
    private ReadOnlySpan<byte> Look(long offset, int bytes)
    {
        bytes = (int)Math.Min(bytes, end - offset);
        if (offset < windowStart || offset + bytes > windowStart + windowBytes)
        {
            // A jump out of the window tells of large records: read no more than needed. Small ones are read in one go.
            var far = offset > windowStart + windowBytes + WindowBytesMin;
            var wanted = Math.Max(bytes, far ? WindowBytesMin : WindowBytesMax);
            windowStart = offset;
            windowBytes = Fill(window.AsSpan(0, (int)Math.Min(wanted, end - offset)), offset);
        }
        var at = (int)(offset - windowStart);
        return window.AsSpan(at, Math.Min(bytes, windowBytes - at));
    }

    private ReadOnlyMemory<byte> ReadPayload(long offset, int bytes)
    {
        if (offset >= windowStart && offset + bytes <= windowStart + windowBytes)
            return window.AsMemory((int)(offset - windowStart), bytes);
        if (payload.Length < bytes)
            payload = new byte[Math.Max(bytes, WindowBytesMax)];
        var read = Fill(payload.AsSpan(0, bytes), offset);
        return payload.AsMemory(0, read);
    }

    private int Fill(Span<byte> to, long offset)
    {
        var filled = 0;
        while (filled < to.Length)
        {
            var read = ReadOrZero(to[filled..], offset + filled);
            if (read == 0)
                break;
            filled += read;
        }
        return filled;
    }

    /// <summary>A block the disk refuses to give reads as zeros: they fail every checksum, and the walk goes on behind it.</summary>
    private int ReadOrZero(Span<byte> to, long offset)
    {
        try
        {
            return disk.Read(file, to, offset);
        }
        catch (IOException)
        {
            var block = to[..(int)Math.Min(to.Length, WindowBytesMin - offset % WindowBytesMin)];
            try
            {
                return disk.Read(file, block, offset);
            }
            catch (IOException)
            {
                HasUnreadable = true;
                block.Clear();
                return block.Length;
            }
        }
    }
}
