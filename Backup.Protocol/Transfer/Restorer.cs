namespace Backup.Protocol;

/// <summary>Brings versions back from whichever node has them, and goes on with the other copy where one fails, at the chunk it had reached.</summary>
public sealed class Restorer(ClusterConnection cluster, TransferCounters counters)
{
    /// <summary>Versions asked for in one request: enough to hide the round trip of small files.</summary>
    private const int ItemsPerRequestMax = 256;

    /// <summary>Versions sorted by holder at a time: bounds what is kept of them.</summary>
    private const int WindowMax = 4096;

    /// <summary>A node that sends nothing for this long is given up for another copy.</summary>
    private static readonly TimeSpan SilenceTime = TimeSpan.FromSeconds(15);

    /// <summary>How long the end of a stream may take after its last record.</summary>
    private static readonly TimeSpan EndTime = TimeSpan.FromSeconds(1);

    /// <summary>Restores into the target, in an order that asks each node for many versions at once.</summary>
    /// <exception cref="FailureException">The cluster cannot be asked at all; a single version that cannot be had is the target's to report.</exception>
    public async Task RestoreAsync(IReadOnlyList<FileVersion> versions, IRestoreTarget target, CancellationToken ct)
    {
        var nodes = (await cluster.AskAsync(n => n.ClusterAsync(ct), ct)).Nodes.ToDictionary(n => n.Id);
        using var codec = new RecordCodec();
        foreach (var window in versions.Chunk(WindowMax))
        {
            var waiting = window.Select(v => new VersionReceiver(v, target, codec, counters)).ToList();
            try
            {
                while (waiting.Exists(r => !r.IsDone))
                {
                    foreach (var group in waiting.Where(r => !r.IsDone).GroupBy(r => Holder(r, nodes)).ToList())
                    {
                        foreach (var run in group.Chunk(ItemsPerRequestMax))
                            await ReadAsync(group.Key, run, ct);
                    }
                }
            }
            finally
            {
                foreach (var receiver in waiting)
                    await receiver.DisposeAsync();
            }
        }
    }

    /// <summary>The first copy that has not failed yet; alive ones before others.</summary>
    private static NodeRef? Holder(VersionReceiver receiver, Dictionary<NodeId, NodeStatus> nodes) => receiver.Version.Nodes
        .Where(id => nodes.ContainsKey(id) && !receiver.Tried.Contains(id))
        .Select(id => nodes[id])
        .OrderBy(n => n.State == NodeState.Dead)
        .Select(n => new NodeRef(n.Id, n.Address))
        .FirstOrDefault();

    /// <summary>Reads a run of versions from one node. Those that it fails to give are left for another.</summary>
    private async Task ReadAsync(NodeRef? node, VersionReceiver[] run, CancellationToken ct)
    {
        if (node is null)
        {
            foreach (var receiver in run)
                await receiver.GiveUpAsync();
            return;
        }
        using var step = Step.Begin("read from node").Tag(Tags.Node, node.Id.Value).Tag(Tags.Files, run.Length);
        var next = 0;
        try
        {
            using var silence = CancellationTokenSource.CreateLinkedTokenSource(ct);
            silence.CancelAfter(SilenceTime);
            var request = new ReadRequest([.. run.Select(r => r.Wanted())]);
            await using var stream = await cluster.AskNodeAsync(node, n => n.ReadAsync(cluster.Client, node.Id.Value, request, silence.Token));
            await using var records = new RecordsAhead(new RecordReader(stream, node.Id.Value), silence);
            while (next < run.Length && await records.NextAsync() is { } record)
            {
                silence.CancelAfter(SilenceTime);
                using (record)
                    await run[next].AcceptAsync(record, node.Id.Value, ct);
                if (run[next].IsDone)
                    next++;
            }
            if (next < run.Length)
                throw Failure.Unreachable(node.Id, "it ended the stream early").Exception();
            step.Succeed();
        }
        catch (FailureException e) when (IsTheTargets(e.Failure))
        {
            run[next].LastFailure = e.Failure;
            await run[next].GiveUpAsync();
        }
        catch (FailureException e)
        {
            run[next].Tried.Add(node.Id);
            run[next].LastFailure = e.Failure;
        }
        catch (Exception e) when (e is IOException or HttpRequestException || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            foreach (var receiver in run[next..])
            {
                receiver.Tried.Add(node.Id);
                receiver.LastFailure = Failure.Unreachable(node.Id, e is OperationCanceledException ? $"it sent nothing for {SilenceTime.TotalSeconds} s" : e.Message.TrimEnd('.'));
            }
        }
    }

    /// <summary>No other copy would help.</summary>
    private static bool IsTheTargets(Failure failure) =>
        failure.Code is FailureCode.LocalFailed or FailureCode.AlreadyExists or FailureCode.InvalidPath or FailureCode.SourceUnreadable;

    /// <summary>
    /// Reads one record ahead: the next is on its way while this one is checked and written. Its end waits for the read
    /// under way, since a connection given back in the middle of a read would hand the rest of it to the next request.
    /// </summary>
    private sealed class RecordsAhead(RecordReader reader, CancellationTokenSource stop) : IAsyncDisposable
    {
        private Task<Record?> coming = reader.ReadAsync(stop.Token).AsTask();

        public async ValueTask<Record?> NextAsync()
        {
            var record = await coming;
            coming = record is null ? Task.FromResult(record) : reader.ReadAsync(stop.Token).AsTask();
            return record;
        }

        public async ValueTask DisposeAsync()
        {
            // The end of the stream is next, unless it broke off or something in it was wrong: then it is cut short.
            if (!coming.IsCompleted)
                stop.CancelAfter(EndTime);
            await coming.ContinueWith(read => { if (read.IsCompletedSuccessfully) read.Result?.Dispose(); }, TaskScheduler.Default);
        }
    }
}
