using System.Diagnostics;

namespace Backup.Protocol;

/// <summary>④ The files of a batch that go to the same nodes: gathers their records into segments and sends those.</summary>
internal sealed class UploadGroup(
    ClusterConnection cluster, TransferCounters counters, SemaphoreSlim inFlight, string operation, Placement first, List<PendingFile> files, CancellationToken ct) : IDisposable
{
    private static readonly TimeSpan PauseTime = TimeSpan.FromMilliseconds(500);

    /// <summary>Each attempt but the first follows a failure of another node, or a pause.</summary>
    private const int AttemptsMax = 4;

    private readonly SemaphoreSlim replacing = new(1, 1);
    private readonly List<Task> sent = [];
    private readonly HashSet<PendingFile> unfinished = [.. files];
    private readonly HashSet<NodeId> avoid = [];
    private readonly Segment left = new();
    private Placement placement = first;
    private Segment segment = new();

    public Task AddAsync(Record record)
    {
        segment.Add(record);
        return segment.IsFull ? FlushAsync() : Task.CompletedTask;
    }

    public Task FinishAsync(PendingFile file)
    {
        segment.Finish(file);
        return segment.IsFull ? FlushAsync() : Task.CompletedTask;
    }

    /// <summary>Sends off what has gathered, as soon as fewer than the bound are under way.</summary>
    public async Task FlushAsync()
    {
        if (segment.Finished.Count > 0)
        {
            // A manifest is accepted only where its chunks are durable already: it goes after the segments before it, and with what they left.
            await foreach (var earlier in Task.WhenEach(sent))
                await earlier;
            Interlocked.Add(ref counters.BytesDeduplicated, segment.TakeFrom(left));
        }
        if (segment.IsEmpty)
            return;
        if (sent.Find(t => t.IsFaulted) is { } failed)
            await failed;
        await inFlight.WaitAsync(ct);
        var full = segment;
        segment = new Segment();
        // Of a file of a TiB there are 65,536.
        sent.RemoveAll(t => t.IsCompletedSuccessfully);
        sent.Add(Task.Run(() => SendAsync(full), CancellationToken.None));
    }

    public Task SentAsync() => Task.WhenAll(sent);

    public void Dispose()
    {
        segment.Dispose();
        left.Dispose();
        replacing.Dispose();
    }

    private async Task SendAsync(Segment full)
    {
        using var step = Step.Begin("④ segment");
        try
        {
            for (var attempt = 1; ; attempt++)
            {
                var at = placement;
                try
                {
                    await SendAsync(full, at, step);
                    Settle(full, at);
                    step.Succeed();
                    return;
                }
                catch (FailureException e) when (e.Failure.IsTransient && e.Failure.Code != FailureCode.MissingChunks && attempt < AttemptsMax)
                {
                    step.Span?.AddEvent(new ActivityEvent($"again: {e.Failure.Code} ({e.Failure.Culprit})"));
                    await ReplaceAsync(at, e.Failure);
                }
            }
        }
        finally
        {
            full.Dispose();
            inFlight.Release();
        }
    }

    private async Task SendAsync(Segment full, Placement to, Step step)
    {
        var nodes = string.Join(',', to.Nodes.Select(n => n.Id));
        step.Tag(Tags.Nodes, nodes);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        // All segments under way share a limit, and each may take along what others left.
        deadline.CancelAfter(Uploader.SegmentTime + (cluster.Limit?.TimeFor(Uploader.SegmentsInFlight * (full.Bytes + Segment.LittleBytes)) ?? TimeSpan.Zero));
        var manifests = new List<Record>();
        try
        {
            await KeepMissingAsync(full, to.Nodes[0], nodes, step, deadline.Token);
            if (IsLeft(full))
                return;
            using (var codec = new RecordCodec(cluster.Cipher))
                full.Compress(codec);
            manifests.AddRange(full.Finished.Select(f => Record.Of(RecordKind.Manifest, cluster.Client, f.Manifest(to, cluster.Cipher).Encode())));
            Record[] records = [.. full.Records, .. manifests];
            var bytes = records.Sum(r => (long)r.Header.RecordBytes);
            step.Tag(Tags.Records, records.Length).Tag(Tags.Bytes, bytes);
            await cluster.AskNodeAsync(to.Nodes[0], n => n.StoreAsync(cluster.Client, nodes, to.Epoch, new RecordsContent(records, cluster.Limit), deadline.Token));
            Interlocked.Add(ref counters.BytesSent, bytes);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new Failure(FailureCode.TimedOut, $"Node {to.Nodes[0].Id} did not store a segment within {Uploader.SegmentTime.TotalSeconds} s.",
                to.Nodes[0].Id.Value, "Nothing to do: another node takes its place.").Exception();
        }
        finally
        {
            foreach (var manifest in manifests)
                manifest.Dispose();
        }
    }

    /// <summary>Its files are stored where their manifests say, whatever has happened to the group meanwhile.</summary>
    private void Settle(Segment full, Placement at)
    {
        lock (unfinished)
            unfinished.ExceptWith(full.Finished);
        foreach (var file in full.Finished)
            file.Placement = at;
    }

    /// <summary>Asks which chunks the primary lacks, and lets go of the others.</summary>
    private async Task KeepMissingAsync(Segment full, NodeRef primary, string nodes, Step step, CancellationToken deadline)
    {
        var chunks = full.Records.Where(r => r.Header.Kind == RecordKind.Chunk).Select(r => r.Header.Id).Distinct().ToArray();
        if (chunks.Length == 0)
            return;
        var reply = await cluster.AskNodeAsync(primary, n => n.MissingAsync(cluster.Client, nodes, new MissingRequest(chunks), deadline));
        step.Tag(Tags.DeduplicatedChunks, chunks.Length - reply.Missing.Length);
        var wanted = reply.Missing.Select(i => chunks[i]).ToHashSet();
        full.Keep(r =>
        {
            // Remove: a chunk that stands in the segment twice is sent once.
            if (r.Header.Kind != RecordKind.Chunk || wanted.Remove(r.Header.Id))
                return true;
            Interlocked.Add(ref counters.BytesDeduplicated, r.Header.PlainBytes);
            return false;
        });
    }

    /// <summary>
    /// Of a large file that has changed here and there each segment would be a request, and a sync on every node, for little:
    /// what they leave goes together.
    /// </summary>
    private bool IsLeft(Segment full)
    {
        lock (left)
        {
            if (full.IsLittle)
            {
                Interlocked.Add(ref counters.BytesDeduplicated, left.TakeFrom(full));
                if (left.IsLittle)
                    return true;
            }
            if (full.HasRoomFor(left))
                Interlocked.Add(ref counters.BytesDeduplicated, full.TakeFrom(left));
            return false;
        }
    }

    /// <summary>Has the files that are not stored yet placed anew, without the node that failed. What survives of the old place is kept.</summary>
    private async Task ReplaceAsync(Placement failed, Failure why)
    {
        await replacing.WaitAsync(ct);
        try
        {
            if (placement != failed)
                return; // Another segment has seen to it.
            if (why.CondemnsNode(out var culprit))
                avoid.Add(culprit);
            else if (why.Code is not (FailureCode.StaleEpoch or FailureCode.ReservationGone))
            {
                await Task.Delay(PauseTime, cluster.Time, ct);
                return; // The place is good: it is only busy.
            }
            PendingFile[] rest;
            lock (unfinished)
                rest = [.. unfinished];
            var request = new PlaceRequest(operation, [.. rest.Select(f => new PlaceFile(f.Source.Path, f.Source.Kind, Math.Max(0, f.Source.SizeBytes)))], [.. avoid], Together: true);
            var reply = await cluster.AskAsync(n => n.PlaceAsync(cluster.Client, request, ct), ct);
            if (reply.Placements.Length != 1)
                throw new Failure(FailureCode.ReservationGone, "The rest of a group was not placed together.", "manager", "Send the batch again.").Exception();
            placement = reply.Placements[0];
            foreach (var file in rest)
                file.Placement = placement;
        }
        finally
        {
            replacing.Release();
        }
    }
}
