using Backup.Protocol;
using Backup.Storage.Packs;

namespace Backup.Storage.Collection;

/// <param name="IsComplete">False when a manifest or a list could not be read: then nothing is known to be dead.</param>
/// <param name="Noted">Records found dead for the first time.</param>
/// <param name="Removed">Records that were dead for longer than the grace time and are gone now.</param>
public sealed record SweepResult(bool IsComplete, long Noted, long Removed);

/// <summary>Frees what no version needs: sweeps the clients one by one, then rewrites the packs that waste space. One unit at a time.</summary>
/// <param name="graceTime">How long a record must have been seen dead before it is removed.</param>
public sealed class Collector(PackStore store, TimeSpan graceTime, TimeProvider time, ILogger<Collector> log) : IDisposable
{
    /// <summary>A pack is rewritten when more than one byte in so many is dead: the disk then holds at most 16/15 of what is live, and a rewrite frees at least that share.</summary>
    private const int DeadShare = 16;

    private readonly SemaphoreSlim turn = new(1, 1);
    private readonly Compaction compaction = new(store, log);

    internal ClientId[] Clients => store.Index.Clients;

    /// <summary>Everything there is to do, now.</summary>
    public async Task<CollectReply> CollectAsync(CancellationToken ct)
    {
        var before = store.Space().StoredBytes;
        var freed = 0L;
        foreach (var client in Clients)
        {
            var result = await SweepAsync(client, ct);
            freed += result.Removed;
            // What is noted in one sweep is removed by a later one.
            if (graceTime == TimeSpan.Zero && result.Noted > 0)
                freed += (await SweepAsync(client, ct)).Removed;
        }
        var tried = new HashSet<int>();
        while (await CompactNextAsync(tried, ct))
        {
        }
        var after = store.Space().StoredBytes;
        return new CollectReply(freed, Math.Max(0, before - after), after);
    }

    public async Task<SweepResult> SweepAsync(ClientId client, CancellationToken ct)
    {
        await turn.WaitAsync(ct);
        try
        {
            return await Task.Run(() => new Sweep(store, client, graceTime, time, log).RunAsync(ct), ct);
        }
        catch (Exception e) when (DiskFailure.Is(e))
        {
            throw DiskFailure.Of(e, store.Options.NodeId.Value, "collecting").Exception(e);
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>Compacts the pack that wastes most.</summary>
    /// <param name="tried">Packs not to be looked at again; the one that was compacted is added.</param>
    /// <returns>False when there is none left.</returns>
    public async Task<bool> CompactNextAsync(ISet<int> tried, CancellationToken ct)
    {
        await turn.WaitAsync(ct);
        try
        {
            await EndWastefulAsync(tried);
            if (Wasteful(tried, isInUse: false) is not [var worst, ..])
                return false;
            tried.Add(worst.Number);
            await Task.Run(() => compaction.RunAsync(worst, ct), ct);
            return true;
        }
        catch (Exception e) when (DiskFailure.Is(e))
        {
            throw DiskFailure.Of(e, store.Options.NodeId.Value, "compacting").Exception(e);
        }
        finally
        {
            turn.Release();
        }
    }

    public void Dispose() => turn.Dispose();

    /// <summary>Seals a pack that is being appended to, if it wastes so much that it should be rewritten. One that batches still write to is left for later.</summary>
    private async Task EndWastefulAsync(ISet<int> tried)
    {
        var open = Wasteful(tried, isInUse: true);
        if (open.Count == 0)
            return;
        open.ForEach(pack => store.Appender.End(pack.Number));
        using var batch = new PackBatch(store, default);
        await batch.PassAsync();
    }

    /// <summary>Packs with too many dead bytes, the worst first: it frees most for the least copying, which matters on a full disk.</summary>
    private List<PackRow> Wasteful(ISet<int> tried, bool isInUse)
    {
        var live = store.Index.LiveBytes();
        return store.Index.Packs()
            .Where(pack => pack.State != PackState.Removed && pack.Length > 0 && !tried.Contains(pack.Number))
            .Where(pack => store.Appender.Uses(pack.Number) == isInUse)
            // Of a pack in use, what open batches have appended is not dead; of one that recovery could not use, nothing is known.
            .Where(pack => isInUse || pack.Watermark == pack.Length)
            .Select(pack => (Pack: pack, Dead: DeadBytes(pack, live.GetValueOrDefault(pack.Number))))
            .Where(pack => pack.Dead * DeadShare > pack.Pack.Length && !store.Index.IsForeign(pack.Pack.Number))
            .OrderByDescending(pack => (double)pack.Dead / pack.Pack.Length)
            .Select(pack => pack.Pack)
            .ToList();
    }

    private static long DeadBytes(PackRow pack, long live) =>
        pack.Watermark - PackHeader.LengthBytes - (pack.State == PackState.Sealed ? PackSeal.LengthBytes : 0) - live;
}
