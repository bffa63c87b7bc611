using Backup.Protocol;

namespace Backup.Storage.Packs;

/// <summary>
/// Gives out space at the end of the current pack, under a lock; the writes themselves happen outside it, several at once.
/// Begins a new pack when one is full or has failed.
/// </summary>
internal sealed class PackAppender(PackStoreOptions options, NodeIdentity identity, PackIndex index, DiskSpace space, TimeProvider time, OpenPack? resumed, int lastNumber) : IDisposable
{
    /// <summary>Never disposed: whoever waits for it then would wait for ever.</summary>
    private readonly SemaphoreSlim turn = new(1, 1);
    private bool isDisposed;
    private readonly Lock gate = new();
    private readonly List<OpenPack> packs = resumed is null ? [] : [resumed];
    private OpenPack? current = resumed;
    private int lastNumber = lastNumber;

    /// <summary>Reserves space and writes. On return the bytes are with the kernel, not yet on the disk.</summary>
    /// <exception cref="FailureException">The disk is full or failed.</exception>
    public async ValueTask<(OpenPack Pack, long Offset)> AppendAsync(PackBatch batch, ReadOnlyMemory<byte> record, CancellationToken ct)
    {
        OpenPack pack;
        long offset;
        await turn.WaitAsync(ct);
        try
        {
            // The directory may belong to another life of the store by now.
            ObjectDisposedException.ThrowIf(isDisposed, this);
            if (!batch.MayUseReserve && !space.TryTake(record.Length))
                throw DiskFailure.Full(options.NodeId.Value).Exception();
            (pack, offset) = Reserve(batch, record.Length);
        }
        finally
        {
            turn.Release();
        }

        try
        {
            pack.Write(record.Span, offset);
            return (pack, offset);
        }
        catch (Exception e) when (DiskFailure.Is(e))
        {
            Close(pack, hasFailed: true);
            throw DiskFailure.Of(e, options.NodeId.Value, "appending").Exception(e);
        }
    }

    /// <summary>No batch gets space in this pack any more.</summary>
    public void Close(OpenPack pack, bool hasFailed)
    {
        lock (gate)
        {
            pack.IsClosed = true;
            pack.HasFailed |= hasFailed;
        }
    }

    /// <summary>Whether the pack is not finished yet: being appended to, or waiting for its batches.</summary>
    public bool Uses(int pack)
    {
        lock (gate)
            return packs.Any(open => open.Number == pack);
    }

    /// <summary>Ends this pack early, if it is one. It is sealed with the next commit.</summary>
    public void End(int pack)
    {
        lock (gate)
        {
            foreach (var open in packs.Where(open => open.Number == pack))
                open.IsClosed = true;
        }
    }

    /// <summary>The batch is indexed, or abandoned: its records hold no watermark back any more.</summary>
    public void Forget(PackBatch batch)
    {
        lock (gate)
        {
            foreach (var pack in packs)
                pack.Forget(batch);
        }
    }

    /// <summary>The packs that are not finished yet.</summary>
    public List<OpenPack> InUse()
    {
        lock (gate)
            return [.. packs];
    }

    /// <summary>How the packs in use will stand once these batches are indexed.</summary>
    public List<PackRow> Rows(IReadOnlySet<PackBatch> indexed)
    {
        lock (gate)
            return packs.Select(pack => pack.Row(indexed)).ToList();
    }

    /// <summary>Takes out the packs that are closed and that no batch is writing to.</summary>
    public List<OpenPack> TakeFinished()
    {
        lock (gate)
        {
            var finished = packs.Where(pack => pack.IsClosed && pack.IsQuiet).ToList();
            packs.RemoveAll(finished.Contains);
            return finished;
        }
    }

    public void Dispose()
    {
        turn.Wait();
        isDisposed = true;
        foreach (var pack in packs)
            pack.Dispose();
        turn.Release();
    }

    private (OpenPack Pack, long Offset) Reserve(PackBatch batch, int bytes)
    {
        lock (gate)
        {
            if (current is { IsClosed: false } && current.Length + bytes + PackSeal.LengthBytes <= options.PackBytesMax)
                return (current, current.Reserve(batch, bytes));
            if (current is not null)
                current.IsClosed = true;
        }
        var next = Begin();
        lock (gate)
        {
            packs.Add(next);
            current = next;
            return (next, next.Reserve(batch, bytes));
        }
    }

    /// <summary>Makes a new pack whose name and header are on the disk before anything is written to it.</summary>
    private OpenPack Begin()
    {
        var number = ++lastNumber;
        var path = PackFiles.Pack(options.Directory, number);
        try
        {
            var file = options.Disk.Open(path, FileMode.CreateNew, FileAccess.Write);
            try
            {
                var header = new byte[PackHeader.LengthBytes];
                new PackHeader(identity.NodeId, identity.Incarnation, number).Write(header);
                options.Disk.Write(file, header, 0);
                options.Disk.Sync(file);
                options.Disk.SyncDirectory(PackFiles.Folder(options.Directory));
                // Known to the index from the start: after a crash, what lies beyond its watermark was never acknowledged.
                index.Write(writer => writer.SetPack(new PackRow(
                    number, PackState.Open, PackHeader.LengthBytes, PackHeader.LengthBytes, time.GetUtcNow().ToUnixTimeMilliseconds())));
                return new OpenPack(options.Disk, number, file, PackHeader.LengthBytes);
            }
            catch
            {
                file.Dispose();
                options.Disk.Delete(path);
                throw;
            }
        }
        catch (Exception e) when (DiskFailure.Is(e))
        {
            throw DiskFailure.Of(e, options.NodeId.Value, "beginning a pack").Exception(e);
        }
    }
}
