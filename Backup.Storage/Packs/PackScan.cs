using Backup.Protocol;
using Microsoft.Win32.SafeHandles;

namespace Backup.Storage.Packs;

/// <summary>
/// Reads a pack from some offset to its end and finds its records, whatever has happened to it. A damaged place is named
/// and passed over: the next record is found by its magic number and its header's checksum.
/// </summary>
internal sealed class PackScan(string path, int pack, bool verifyPayloads) : IDisposable
{
    /// <summary>Read ahead of small records, and while looking for the next header.</summary>
    private const int WindowBytes = 1 << 20;

    private readonly SafeFileHandle file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, FileOptions.SequentialScan);
    private readonly byte[] window = new byte[WindowBytes];
    private long windowAt;
    private int windowBytes;

    public List<Damage> Damage { get; } = [];

    /// <summary>Behind the last whole record; what follows is torn.</summary>
    public long End { get; private set; }

    public bool HeaderMatches(NodeIdentity identity)
    {
        var header = new byte[PackFile.HeaderBytes];
        return RandomAccess.Read(file, header, 0) == header.Length && header.AsSpan().SequenceEqual(PackFile.Header(pack, identity));
    }

    /// <summary>Yields each record from this offset on. Payloads are read for manifests, and for all where they are to be verified.</summary>
    public IEnumerable<(RecordHeader Header, RecordLocation Location, Record? Record)> Records(long from)
    {
        var length = RandomAccess.GetLength(file);
        End = Math.Min(from, length);
        for (var at = from; at < length;)
        {
            if (!TryHeader(at, length, out var header))
            {
                var next = FindNext(at + 1, length);
                if (next < 0)
                    yield break;
                Damage.Add(new Damage(pack, at, $"{next - at} bytes that are no record"));
                at = next;
                continue;
            }
            var location = new RecordLocation(pack, at, header.RecordBytes);
            at += header.RecordBytes;
            if (!verifyPayloads && header.Kind != RecordKind.Manifest)
            {
                End = at;
                yield return (header, location, null);
                continue;
            }
            using var record = ReadAt(location);
            if (record is null || !record.ChecksumMatches())
            {
                // At the very end it is a torn write; further in it is damage.
                if (at < length && FindNext(at, length) >= 0)
                    Damage.Add(new Damage(pack, location.Offset, $"{header.Kind} {header.Id}"));
                continue;
            }
            End = at;
            yield return (header, location, record);
        }
    }

    public void Dispose() => file.Dispose();

    private Record? ReadAt(RecordLocation location)
    {
        var rented = Record.Rent(location.Bytes - RecordHeader.LengthBytes);
        if (ReadFully(rented.AsSpan(0, location.Bytes), location.Offset) && RecordHeader.TryRead(rented, out var header))
            return Record.Wrap(rented, header);
        Record.Return(rented);
        return null;
    }

    private bool ReadFully(Span<byte> into, long at)
    {
        while (into.Length > 0)
        {
            var got = RandomAccess.Read(file, into, at);
            if (got == 0)
                return false;
            into = into[got..];
            at += got;
        }
        return true;
    }

    private bool TryHeader(long at, long length, out RecordHeader header) =>
        RecordHeader.TryRead(Window(at, RecordHeader.LengthBytes), out header) && at + header.RecordBytes <= length && header.Kind != RecordKind.Failure;

    /// <summary>The next offset with a valid header, or −1.</summary>
    private long FindNext(long from, long length)
    {
        for (var at = from; at + RecordHeader.LengthBytes <= length;)
        {
            var bytes = Window(at, RecordHeader.LengthBytes);
            var found = bytes.IndexOf(RecordHeader.MagicBytes);
            if (found < 0)
            {
                at += Math.Max(1, bytes.Length - RecordHeader.MagicBytes.Length + 1);
                continue;
            }
            at += found;
            if (TryHeader(at, length, out _))
                return at;
            at++;
        }
        return -1;
    }

    /// <summary>Bytes from this offset on, at least so many unless the file ends.</summary>
    private ReadOnlySpan<byte> Window(long at, int bytes)
    {
        if (at < windowAt || at + bytes > windowAt + windowBytes)
        {
            windowAt = at;
            windowBytes = RandomAccess.Read(file, window, at);
        }
        return window.AsSpan((int)(at - windowAt), windowBytes - (int)(at - windowAt));
    }
}
