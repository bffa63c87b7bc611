using System.Diagnostics;

namespace Backup.Protocol;

/// <summary>
/// Takes some files through steps ① to ⑥: reads what placement needs, has them placed, sends each set of nodes its
/// segments, and commits them together.
/// </summary>
/// <param name="inFlight">Bounds the segments under way, and with them the memory, of all batches of an upload.</param>
/// <param name="soon">A file of several segments is given up after those under way.</param>
internal sealed class UploadBatch(ClusterConnection cluster, TransferCounters counters, SemaphoreSlim inFlight, CancellationToken soon = default)
{
    /// <summary>A batch is read and sent anew this often when more nodes fail than the rest of a segment can be saved from.</summary>
    private const int AttemptsMax = 4;

    /// <summary>The same in every attempt: what was placed stays placed, what was committed is committed once.</summary>
    private string operation = Guid.NewGuid().ToString("N");
    private readonly HashSet<NodeId> avoid = [];

    public async Task<UploadResult[]> RunAsync(IReadOnlyList<SourceFile> sources, CancellationToken ct)
    {
        if (sources is [{ Operation: { } known }])
            operation = known;
        using var step = Step.Begin("upload batch").Tag(Tags.Files, sources.Count);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var results = await AttemptAsync(sources, ct);
                step.Tag(Tags.CopiesOwed, results.Sum(r => r.Receipt?.CopiesOwed ?? 0)).Succeed();
                return results;
            }
            catch (FailureException e) when (e.Failure.IsTransient && attempt < AttemptsMax)
            {
                step.Span?.AddEvent(new ActivityEvent($"again: {e.Failure.Code} ({e.Failure.Culprit})"));
                if (e.Failure.CondemnsNode(out var culprit))
                    avoid.Add(culprit);
            }
        }
    }

    private async Task<UploadResult[]> AttemptAsync(IReadOnlyList<SourceFile> sources, CancellationToken ct)
    {
        var files = new List<PendingFile>(sources.Count);
        try
        {
            await ReadFirstAsync(sources, files, ct);
            var readable = files.Where(f => f.Failure is null).ToList();
            await PlaceAsync(readable, ct);
            await SendAsync(readable, ct);
            var stored = readable.Where(f => f.Failure is null || f.Failure.Code == FailureCode.SourceChanged).ToList();
            var receipts = await CommitAsync(stored, ct);
            return [.. files.Select(f => new UploadResult(f.Source.Path, receipts.GetValueOrDefault(f), f.Failure))];
        }
        finally
        {
            foreach (var file in files)
                await file.DisposeAsync();
        }
    }

    /// <summary>① Opens each file and reads its first chunk; small files are thereby read whole.</summary>
    private async Task ReadFirstAsync(IReadOnlyList<SourceFile> sources, List<PendingFile> files, CancellationToken ct)
    {
        using var step = Step.Begin("① read first chunks");
        foreach (var source in sources)
        {
            counters.Current = source.Path.Value;
            try
            {
                files.Add(new PendingFile(source, Open(source)));
                if (source.Open is not null)
                    files[^1].First = await NextAsync(files[^1], ct);
            }
            catch (FailureException e) when (e.Failure.Code == FailureCode.SourceUnreadable)
            {
                if (files.Count == 0 || files[^1].Source != source)
                    files.Add(new PendingFile(source, null));
                Give(files[^1], e.Failure);
            }
        }
        step.Tag(Tags.Files, files.Count(f => f.Failure is null)).Tag(Tags.Bytes, files.Sum(f => (long)(f.First?.Header.PlainBytes ?? 0))).Succeed();
    }

    /// <summary>② Asks for places for all of them at once; the manager chooses and reserves (③).</summary>
    private async Task PlaceAsync(List<PendingFile> files, CancellationToken ct)
    {
        if (files.Count == 0)
            return;
        using var step = Step.Begin("② place").Tag(Tags.Files, files.Count);
        var request = new PlaceRequest(operation, [.. files.Select(f => new PlaceFile(
            f.Source.Path, f.Source.Kind, Math.Max(0, f.Source.SizeBytes), f.Source.SizeBytes >= Limits.HintBytesMin ? f.First?.Header.Id : null))], [.. avoid]);
        var reply = await cluster.AskAsync(n => n.PlaceAsync(cluster.Client, request, ct), ct);
        for (var i = 0; i < files.Count; i++)
        {
            files[i].Placement = reply.Placements[reply.Files[i].Placement];
            files[i].Version = reply.Files[i].Version;
            files[i].TimeMs = reply.Files[i].TimeMs;
        }
        step.Succeed();
    }

    /// <summary>④ Reads on, and sends each set of nodes what belongs there; returns when all of it is durable.</summary>
    private async Task SendAsync(List<PendingFile> files, CancellationToken ct)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var groups = files.GroupBy(f => f.Placement!).ToDictionary(g => g.Key, g => new UploadGroup(cluster, counters, inFlight, operation, g.Key, [.. g], stop.Token));
        try
        {
            foreach (var file in files)
                await ReadOnAsync(file, groups[file.Placement!], ct);
            foreach (var group in groups.Values)
                await group.FlushAsync();
            foreach (var group in groups.Values)
                await group.SentAsync();
        }
        catch (Exception e)
        {
            // What is under way when the person wants to stop arrives: it need not be sent again.
            if (e is not OperationCanceledException || !soon.IsCancellationRequested)
                await stop.CancelAsync();
            foreach (var group in groups.Values)
                await group.SentAsync().ContinueWith(_ => { }, TaskScheduler.Default);
            throw;
        }
        finally
        {
            foreach (var group in groups.Values)
                group.Dispose();
        }
    }

    private async Task ReadOnAsync(PendingFile file, UploadGroup group, CancellationToken ct)
    {
        counters.Current = file.Source.Path.Value;
        try
        {
            for (var chunk = file.First; chunk is not null; chunk = await NextAsync(file, ct))
            {
                file.First = null;
                file.Add(chunk);
                await group.AddAsync(chunk);
                if (file.Source.SizeBytes > Limits.SegmentBytesTarget)
                    soon.ThrowIfCancellationRequested();
                if (file.TakeList(cluster.Client, atEnd: false) is { } list)
                    await group.AddAsync(list);
            }
        }
        catch (FailureException e) when (e.Failure.Code == FailureCode.SourceUnreadable)
        {
            Give(file, e.Failure);
            return;
        }
        if (file.TakeList(cluster.Client, atEnd: true) is { } last)
            await group.AddAsync(last);
        file.Finish();
        if (file.SizeBytes != file.Source.SizeBytes && file.Source is { Kind: VersionKind.File, SizeBytes: >= 0 })
            file.Failure = new Failure(FailureCode.SourceChanged, $"'{file.Source.Path.Display}' changed while it was read.", file.Source.Path.Display,
                "What was read is stored; back it up again when nobody writes to it.");
        await group.FinishAsync(file);
    }

    private FileChunks? Open(SourceFile source)
    {
        try
        {
            return source.Open is null ? null : new FileChunks(source.Open(), cluster.Client, source.SizeBytes, cluster.Cipher);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(source, e);
        }
    }

    private async ValueTask<Record?> NextAsync(PendingFile file, CancellationToken ct)
    {
        try
        {
            var chunk = await file.Chunks!.NextAsync(ct);
            if (chunk is not null)
                Interlocked.Add(ref counters.BytesRead, chunk.Header.PlainBytes);
            return chunk;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(file.Source, e);
        }
    }

    /// <summary>⑥ Makes the versions visible, all at once.</summary>
    private async Task<Dictionary<PendingFile, Receipt>> CommitAsync(List<PendingFile> files, CancellationToken ct)
    {
        if (files.Count == 0)
            return [];
        using var step = Step.Begin("⑥ commit").Tag(Tags.Files, files.Count);
        var request = new CommitRequest(operation, [.. files.Select(f => f.Commit())]);
        var reply = await cluster.AskAsync(n => n.CommitAsync(cluster.Client, request, ct), ct);
        step.Tag(Tags.CopiesOwed, reply.Receipts.Sum(r => r.CopiesOwed)).Succeed();
        Interlocked.Increment(ref counters.Commits);
        Interlocked.Add(ref counters.Files, files.Count(f => f.Source.Kind != VersionKind.Folder));
        return files.Zip(reply.Receipts).ToDictionary(p => p.First, p => p.Second);
    }

    /// <summary>One file that cannot be read does not keep the others back.</summary>
    private void Give(PendingFile file, Failure failure)
    {
        file.Failure = failure;
        Interlocked.Increment(ref counters.FilesFailed);
    }

    private static FailureException Unreadable(SourceFile source, Exception e) => new Failure(FailureCode.SourceUnreadable,
        $"'{source.Path.Display}' cannot be read: {e.Message.TrimEnd('.')}.", source.Path.Display, "Check its permissions, or exclude it.").Exception(e);
}
