using Backup.Protocol;
using Backup.Storage.Packs;

namespace Backup.Storage.Collection;

/// <summary>
/// One client's mark and sweep: ① takes a number, ② marks what the manifests reference, ③ notes what is unmarked and takes
/// the notes of what is marked away, ④ removes what was noted by an earlier sweep, is past the grace time, and that
/// nobody has relied on since.
/// <para>
/// The danger is an upload that found a chunk held and whose manifest comes later. Whoever finds a chunk held takes its note
/// away in the same transaction. So a record that still bears a note in ④ was not relied on after that note was made; and the
/// notes that open batches may have overlooked, made after these began, do not count yet (<see cref="SweepClock"/>).
/// What was committed before ① is marked in ②.
/// </para>
/// </summary>
internal sealed partial class Sweep(PackStore store, ClientId client, TimeSpan graceTime, TimeProvider time, ILogger log)
{
    /// <summary>Versions and records asked for at once: half a megabyte.</summary>
    private const int RowsAtOnce = 8_192;

    /// <summary>Rows changed in one transaction: some 20 ms, for which commits wait.</summary>
    private const int RowsPerWrite = 2_048;

    public async Task<SweepResult> RunAsync(CancellationToken ct)
    {
        var (sweep, horizon) = store.Sweeps.Next(); // ①
        using var marks = new Marks(store.Options.Directory);
        try
        {
            await MarkAsync(marks, ct); // ②
        }
        catch (FailureException e) when (e.Failure.Code is FailureCode.Corrupt or FailureCode.DiskFailed or FailureCode.NotFound)
        {
            // What an unreadable manifest references is not known: until it is repaired or forgotten nothing is removed.
            LogIncomplete(client, e.Failure.Message);
            return new SweepResult(false, 0, 0);
        }
        var noted = Note(marks, sweep, ct); // ③
        var removed = Remove(horizon, ct); // ④
        if (noted + removed > 0)
            LogSwept(client, noted, removed);
        return new SweepResult(true, noted, removed);
    }

    private async Task MarkAsync(Marks marks, CancellationToken ct)
    {
        using var codec = new RecordCodec();
        var last = long.MinValue;
        while (store.Index.ManifestsAfter(client, last, RowsAtOnce) is { Count: > 0 } versions)
        {
            foreach (var (version, id) in versions)
            {
                ct.ThrowIfCancellationRequested();
                last = version;
                using var record = await store.ReadAsync(client, RecordKind.Manifest, id, ct);
                // Forgotten or written anew since it was listed.
                if (record is null && store.Index.FindManifest(client, version) != id)
                    continue;
                var manifest = Manifest.Decode(codec.Open(record ?? throw Lost(RecordKind.Manifest, id), store.Options.NodeId.Value).Span, store.Options.NodeId.Value);
                await MarkAsync(marks, manifest, codec, ct);
            }
        }
    }

    private async Task MarkAsync(Marks marks, Manifest manifest, RecordCodec codec, CancellationToken ct)
    {
        foreach (var part in manifest.Refs)
        {
            if (!manifest.Head.HasLists)
            {
                marks.Add(RecordKind.Chunk, part.Id);
                continue;
            }
            // A list that is marked had its chunks marked with it.
            if (!marks.Add(RecordKind.List, part.Id))
                continue;
            using var list = await store.ReadAsync(client, RecordKind.List, part.Id, ct) ?? throw Lost(RecordKind.List, part.Id);
            foreach (var (id, _) in ChunkRef.Read(codec.Open(list, store.Options.NodeId.Value).Span))
                marks.Add(RecordKind.Chunk, id);
        }
    }

    private long Note(Marks marks, long sweep, CancellationToken ct)
    {
        var noted = 0L;
        var since = time.GetUtcNow().ToUnixTimeMilliseconds();
        var at = new RecordKey(client, RecordKind.Chunk, default);
        while (store.Index.RecordsAfter(at, RowsAtOnce) is { Count: > 0 } page)
        {
            at = page[^1].Key;
            foreach (var some in page.Where(record => record.Key.Kind is RecordKind.Chunk or RecordKind.List).Chunk(RowsPerWrite))
            {
                ct.ThrowIfCancellationRequested();
                store.Index.Write(index =>
                {
                    foreach (var record in some)
                    {
                        if (marks.Has(record.Key.Kind, record.Key.Id))
                            index.Dead.Revive(record.Key);
                        else if (index.Find(record.Key).IsHeld && index.Dead.Note(record.Key, sweep, since))
                            noted++;
                    }
                });
            }
            if (at.Kind > RecordKind.List)
                break;
        }
        return noted;
    }

    private long Remove(long horizon, CancellationToken ct)
    {
        var removed = 0L;
        var until = (time.GetUtcNow() - graceTime).ToUnixTimeMilliseconds();
        var found = -1;
        while (found != 0)
        {
            ct.ThrowIfCancellationRequested();
            store.Index.Write(index =>
            {
                var due = index.Dead.Due(client, horizon, until, RowsPerWrite);
                foreach (var key in due)
                {
                    index.Dead.Revive(key);
                    if (index.Find(key) is { IsHeld: true } at)
                    {
                        index.Delete(at);
                        removed++;
                    }
                }
                found = due.Count;
            });
        }
        return removed;
    }

    private FailureException Lost(RecordKind kind, ChunkId id) => Failure.NotFound($"{kind} {id} of client {client} on node {store.Options.NodeId}").Exception();

    [LoggerMessage(LogLevel.Warning, "Nothing of client {Client} is collected: {Reason}")]
    private partial void LogIncomplete(ClientId client, string reason);

    [LoggerMessage(LogLevel.Information, "Swept client {Client}: {Noted} records are newly dead, {Removed} were removed")]
    private partial void LogSwept(ClientId client, long noted, long removed);
}
