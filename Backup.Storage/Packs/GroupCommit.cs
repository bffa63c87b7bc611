using System.Collections.Concurrent;
using System.Diagnostics;
using Backup.Protocol;

namespace Backup.Storage.Packs;

/// <summary>
/// Makes batches durable and visible: ① takes all that wait, ② fsyncs each pack they wrote to, once, ③ indexes their records
/// in one transaction, ④ answers them. While one group is at it the next one gathers, so that under load fewer fsyncs serve more batches.
/// It has a thread of its own, because fsync blocks.
/// </summary>
internal sealed partial class GroupCommit : IDisposable
{
    private readonly PackStore store;
    private readonly ILogger log;
    private readonly BlockingCollection<PackBatch> waiting = [];
    private readonly Thread thread;
    private readonly string node;

    public GroupCommit(PackStore store, string node, ILogger log)
    {
        this.store = store;
        this.node = node;
        this.log = log;
        thread = new Thread(Run) { Name = "pack commits", IsBackground = true };
        thread.Start();
    }

    /// <summary>Batches that wait for the next fsync.</summary>
    public int Waiting => waiting.Count;

    public void Add(PackBatch batch) => waiting.Add(batch);

    /// <summary>Finishes what was handed over and stops.</summary>
    public void Dispose()
    {
        waiting.CompleteAdding();
        thread.Join();
        waiting.Dispose();
    }

    private void Run()
    {
        var group = new List<PackBatch>();
        foreach (var first in waiting.GetConsumingEnumerable())
        {
            group.Clear();
            group.Add(first);
            while (waiting.TryTake(out var next))
                group.Add(next);
            Commit(group);
        }
        // An orderly end: what was abandoned is made safe too, so that the next start goes on with the same pack.
        store.Appender.InUse().ForEach(Sync);
        Settle(new HashSet<PackBatch>(), []);
    }

    private void Commit(List<PackBatch> group)
    {
        foreach (var pack in group.SelectMany(batch => batch.Packs).Distinct())
            Sync(pack);

        var synced = new HashSet<PackBatch>();
        foreach (var batch in group)
        {
            var failure = batch.Packs.Select(pack => pack.SyncFailure).FirstOrDefault(failure => failure is not null);
            if (failure is null)
                synced.Add(batch);
            else
                batch.Finish(failure);
        }
        var answer = Settle(synced, group);
        foreach (var batch in synced.Where(batch => !batch.IsPass))
            batch.Finish(answer);
        Seal();
        foreach (var batch in synced.Where(batch => batch.IsPass))
            batch.Finish(answer);
    }

    /// <summary>After a failure the pack is left for good: the kernel has forgotten which pages it could not write.</summary>
    private void Sync(OpenPack pack)
    {
        if (pack.SyncFailure is not null)
            return;
        try
        {
            var started = Stopwatch.GetTimestamp();
            pack.Sync();
            Measures.FsyncDuration.Record(Stopwatch.GetElapsedTime(started).TotalSeconds);
            // At once: segments that are arriving take the memory (let go of after the answer, a backup took 5 % more CPU).
            pack.LetGo();
        }
        catch (IOException e)
        {
            pack.SyncFailure = DiskFailure.Of(e, node, $"syncing pack {pack.Number}");
            store.Appender.Close(pack, hasFailed: true);
            LogSyncFailed(pack.Number, e.Message);
        }
    }

    /// <summary>Indexes the records of these batches, and how the packs stand with them.</summary>
    /// <returns>Why it failed, or null.</returns>
    private Failure? Settle(HashSet<PackBatch> synced, List<PackBatch> group)
    {
        try
        {
            var packs = store.Appender.Rows(synced);
            store.Index.Write(index =>
            {
                foreach (var batch in group.Where(synced.Contains))
                {
                    foreach (var record in batch.Records)
                        index.AddRecord(record);
                    foreach (var (version, path, id) in batch.Manifests)
                        index.SetManifest(batch.Client, version, path, id);
                    foreach (var (from, to) in batch.Moves)
                        index.Move(from, to);
                    foreach (var (at, versions) in batch.Forgets)
                        index.Forget(at, versions);
                }
                foreach (var pack in packs)
                    index.SetPack(pack);
            });
            return null;
        }
        catch (Exception e)
        {
            // The records are durable and not visible; nothing was acknowledged.
            LogIndexFailed(e);
            return DiskFailure.Of(e, node, "writing the index");
        }
    }

    private void Seal()
    {
        foreach (var pack in store.Appender.TakeFinished())
        {
            using (pack)
            {
                try
                {
                    if (!pack.HasFailed)
                    {
                        // Abandoned records may not have been synced yet, and the seal speaks for them too.
                        pack.Sync();
                        pack.Seal();
                    }
                    var row = pack.Row(new HashSet<PackBatch>());
                    store.Index.Write(index => index.SetPack(pack.HasFailed ? row : row with { State = PackState.Sealed }));
                }
                catch (Exception e)
                {
                    // Without its seal the pack is read in full when the index is next rebuilt, and nothing else.
                    LogSealFailed(e, pack.Number);
                }
            }
        }
    }

    [LoggerMessage(LogLevel.Critical, "fsync of pack {Pack} failed ({Error}); it is not used for appending any more")]
    private partial void LogSyncFailed(int pack, string error);

    [LoggerMessage(LogLevel.Error, "The index could not be written; the batches were refused")]
    private partial void LogIndexFailed(Exception e);

    [LoggerMessage(LogLevel.Warning, "Pack {Pack} could not be sealed")]
    private partial void LogSealFailed(Exception e, int pack);
}
