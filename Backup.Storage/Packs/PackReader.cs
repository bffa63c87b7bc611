using Backup.Protocol;

namespace Backup.Storage.Packs;

/// <summary>Reads records from where the index says they lie, and lets none pass that is not whole.</summary>
internal sealed class PackReader(Disk disk, string directory) : IDisposable
{
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

    public void Drop(int pack) => handles.Drop(pack);

    public void Dispose() => handles.Dispose();
}
