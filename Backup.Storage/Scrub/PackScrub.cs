using Backup.Protocol;
using Backup.Storage.Packs;
using Microsoft.Win32.SafeHandles;

namespace Backup.Storage.Scrub;

/// <summary>
/// Reads one pack from its beginning to its end, from the disk and not from memory: every record that is indexed must be whole,
/// bear the right name and match its SHA-256. What fails is noted as damage, and thereby not served any more.
/// </summary>
internal sealed class PackScrub : IDisposable
{
    private readonly PackStore store;
    private readonly PackRow pack;
    private readonly long sinceMs;
    private readonly SafeFileHandle file;
    private readonly IEnumerator<Piece> pieces;
    private readonly long end;
    private readonly long present;

    private PackScrub(PackStore store, PackRow pack, long sinceMs, SafeFileHandle file)
    {
        (this.store, this.pack, this.sinceMs, this.file) = (store, pack, sinceMs, file);
        end = pack.Watermark - (pack.State == PackState.Sealed ? PackSeal.LengthBytes : 0);
        present = Math.Min(end, RandomAccess.GetLength(file));
        store.Options.Disk.ForgetCached(file);
        pieces = new PackScanner(store.Options.Disk, file, present, checkPayloads: false).From(PackHeader.LengthBytes).GetEnumerator();
    }

    /// <summary>Whose records were found damaged.</summary>
    public HashSet<ClientId> Damaged { get; } = [];

    /// <returns>Null when the pack has gone: compacted meanwhile, or lost, which is then noted.</returns>
    public static PackScrub? TryOpen(PackStore store, PackRow pack, long nowMs)
    {
        try
        {
            return new PackScrub(store, pack, nowMs, store.Options.Disk.Open(PackFiles.Pack(store.Options.Directory, pack.Number), FileMode.Open, FileAccess.Read));
        }
        catch (FileNotFoundException)
        {
            store.Index.Write(index =>
            {
                if (index.Packs[pack.Number].State == PackState.Removed)
                    return;
                index.Vanish(pack.Number, 0);
                index.SetPack(new PackRow(pack.Number, PackState.Retired, 0, 0));
            });
            return null;
        }
    }

    /// <summary>Goes on for about so many bytes.</summary>
    /// <returns>How many it read; 0 when the pack is done, and its verification is noted.</returns>
    public async Task<long> NextAsync(long bytes, CancellationToken ct)
    {
        var read = 0L;
        while (read < bytes && pieces.MoveNext())
        {
            var piece = pieces.Current;
            read += piece.Bytes;
            if (piece.Header is { } header)
                await CheckAsync(new RecordLocation(RecordKey.Of(header), pack.Number, piece.Offset, header.StoredBytes), ct);
            else
                await CheckStretchAsync(piece.Offset, piece.Offset + piece.Bytes, ct);
        }
        if (read > 0)
            return read;
        if (present < end)
            await CheckStretchAsync(present, end, ct);
        CheckHeader();
        store.Index.Write(index => index.Verify(pack.Number, sinceMs));
        return 0;
    }

    public void Dispose()
    {
        pieces.Dispose();
        file.Dispose();
    }

    /// <summary>Bytes that are no record: whatever the index says lies there is lost, and reading it says so.</summary>
    private async Task CheckStretchAsync(long from, long to, CancellationToken ct)
    {
        foreach (var at in store.Index.RecordsIn(pack.Number, from, to))
            await CheckAsync(at, ct);
    }

    private async Task CheckAsync(RecordLocation at, CancellationToken ct)
    {
        // What is not indexed here is waste, or noted as damaged already.
        if (store.Index.Find(at.Key) != at)
            return;
        try
        {
            using var record = await store.ReadAsync(at, ct);
            if (record is null || record.DigestMatches())
                return;
            store.Note(DamageKind.Payload, at);
        }
        catch (FailureException e) when (e.Failure.Code is FailureCode.Corrupt or FailureCode.DiskFailed)
        {
            // Noted where it was read.
        }
        Damaged.Add(at.Key.Client);
    }

    private void CheckHeader()
    {
        if (!HasHeader())
            store.Index.Write(index => index.AddDamage(new Damage(DamageKind.PackHeader, pack.Number, 0, PackHeader.LengthBytes)));
    }

    private bool HasHeader()
    {
        var bytes = new byte[PackHeader.LengthBytes];
        try
        {
            return store.Options.Disk.Read(file, bytes, 0) == bytes.Length && PackHeader.TryRead(bytes, out _, out _);
        }
        catch (IOException)
        {
            // A sector that cannot be read any more.
            return false;
        }
    }
}
