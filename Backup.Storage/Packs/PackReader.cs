using Backup.Protocol;

namespace Backup.Storage.Packs;

/// <summary>Reads records from where the index says they lie, and lets none pass that is not whole.</summary>
internal sealed class PackReader(Disk disk, string directory) : IDisposable
{
    /// <summary>
    /// What lies before such a stretch of a pack is let go when a reader gets into it. The system lets go only of whole blocks that it
    /// read ahead together, which may be of some MiB.
    /// </summary>
    private const long StretchBytes = 16 << 20;

    private readonly ReadHandles handles = new(disk, directory);

    /// <summary>Reads a record and checks its header, its key and its checksum. The caller disposes it.</summary>
    /// <returns>Null when what lies there is not that record.</returns>
    /// <exception cref="IOException">The disk cannot read it.</exception>
    public async ValueTask<Record?> ReadAsync(RecordLocation at, CancellationToken ct)
    {
        var bytes = RecordHeader.LengthBytes + at.StoredBytes;
        var rented = Record.Rent(at.StoredBytes);
        var isWhole = false;
        try
        {
            using var pack = handles.Take(at.Pack);
            var read = 0;
            while (read < bytes)
            {
                var got = await disk.ReadAsync(pack.File, rented.AsMemory(read, bytes - read), at.Offset + read, ct);
                if (got == 0)
                    return null;
                read += got;
            }
            LetGoBehind(pack, at.Offset + bytes);
            if (!RecordHeader.TryRead(rented, out var header) || RecordKey.Of(header) != at.Key || header.StoredBytes != at.StoredBytes)
                return null;
            var record = Record.Wrap(rented, header);
            isWhole = record.ChecksumMatches();
            return isWhole ? record : null;
        }
        finally
        {
            if (!isWhole)
                Record.Return(rented);
        }
    }

    /// <summary>
    /// Whatever reads much of a pack (a restore, a copy, a scrub) reads it from front to back, and once: it neither takes new memory for all
    /// of it nor that of others. Two stretches are let go, because a block may have lain across their border; the last one read stays.
    /// </summary>
    private void LetGoBehind(ReadHandles.Lease pack, long end)
    {
        var stretch = end / StretchBytes;
        if (stretch <= pack.MoveTo(stretch))
            return;
        var from = Math.Max(0, stretch - 2) * StretchBytes;
        disk.ForgetCached(pack.File, from, (stretch * StretchBytes) - from);
    }

    public void Drop(int pack) => handles.Drop(pack);

    public void Dispose() => handles.Dispose();
}
