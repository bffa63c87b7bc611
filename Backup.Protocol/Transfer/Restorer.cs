using System.Threading.Channels;

namespace Backup.Protocol;

/// <summary>
/// Brings versions back from whichever node has them, shared out between the copies, and goes on with the other copy where one
/// fails or is silent, at the chunk it had reached. Where none is left that the listing names it asks where the version lies now.
/// </summary>
public sealed class Restorer(ClusterConnection cluster, TransferCounters counters)
{
    /// <summary>Versions asked for in one request: enough to hide the round trip of small files.</summary>
    private const int ItemsPerRequestMax = 256;

    /// <summary>Versions sorted by holder at a time: bounds what is kept of them.</summary>
    private const int WindowMax = 4096;

    /// <summary>A node that sends nothing for this long is left for another copy where there is one: one that is alive sends many records a second.</summary>
    private static readonly TimeSpan HedgeTime = TimeSpan.FromSeconds(3);

    /// <summary>What an item costs beside its bytes, in bytes that travel in the same time: for sharing out small files.</summary>
    private const long ItemCostBytes = 64 << 10;

    /// <summary>A node that sends nothing for this long, and is the last one, is given up.</summary>
    private static readonly TimeSpan SilenceTime = TimeSpan.FromSeconds(15);

    /// <summary>How long the end of a stream may take after its last record.</summary>
    private static readonly TimeSpan EndTime = TimeSpan.FromSeconds(1);

    /// <summary>How many nodes are read from at once. Above one the target gets several versions at a time, though never two calls.</summary>
    public int NodesAtOnce { get; init; } = 1;

    /// <summary>Whether to look for copies that went to other nodes since the versions were listed; without, only the nodes listed are asked.</summary>
    public bool FollowsMoves { get; init; } = true;

    /// <summary>Restores into the target, in an order that asks each node for many versions at once.</summary>
    /// <exception cref="FailureException">The cluster cannot be asked at all; a single version that cannot be had is the target's to report.</exception>
    public async Task RestoreAsync(IReadOnlyList<FileVersion> versions, IRestoreTarget target, CancellationToken ct)
    {
        var nodes = (await cluster.AskAsync(n => n.ClusterAsync(ct), ct)).Nodes.ToDictionary(n => n.Id);
        var into = NodesAtOnce > 1 ? new OneCallAtATime(target) : target;
        foreach (var window in versions.Chunk(WindowMax))
        {
            var waiting = window.Select(v => new VersionReceiver(v, into, counters, cluster.Cipher)).ToList();
            try
            {
                while (waiting.Exists(r => !r.IsDone))
                {
                    if (FollowsMoves && waiting.FindAll(r => !r.IsDone && !Untried(r, nodes).Any()) is { Count: > 0 } stranded)
                        nodes = await FindAgainAsync(stranded, nodes, ct);
                    var load = new Dictionary<NodeId, long>();
                    var groups = waiting.Where(r => !r.IsDone).GroupBy(r => Holder(r, nodes, load)).ToList();
                    await Parallel.ForEachAsync(groups, new ParallelOptions { MaxDegreeOfParallelism = NodesAtOnce, CancellationToken = ct }, async (group, token) =>
                    {
                        foreach (var run in group.Chunk(ItemsPerRequestMax))
                            await ReadAsync(group.Key, run, token);
                    });
                }
            }
            finally
            {
                foreach (var receiver in waiting)
                    await receiver.DisposeAsync();
            }
        }
    }

    /// <summary>A copy that has not failed yet: on a node that was not left, alive ones before others, and of these the one with the least to send.</summary>
    private static NodeRef? Holder(VersionReceiver receiver, Dictionary<NodeId, NodeStatus> nodes, Dictionary<NodeId, long> load)
    {
        var holder = Untried(receiver, nodes)
            .OrderBy(n => receiver.Left.Contains(n.Id)).ThenBy(n => n.State == NodeState.Dead).ThenBy(n => load.GetValueOrDefault(n.Id))
            .FirstOrDefault();
        if (holder is null)
            return null;
        load[holder.Id] = load.GetValueOrDefault(holder.Id) + receiver.Version.SizeBytes + ItemCostBytes;
        return new NodeRef(holder.Id, holder.Address);
    }

    private static IEnumerable<NodeStatus> Untried(VersionReceiver receiver, Dictionary<NodeId, NodeStatus> nodes) =>
        receiver.Nodes.Where(id => nodes.ContainsKey(id) && !receiver.Tried.Contains(id)).Select(id => nodes[id]);

    /// <summary>Asks where versions lie now that are on none of the nodes listed: repair, or a drain, may have moved both copies since. Each time a node is asked in vain, hence it ends.</summary>
    /// <returns>The nodes there are now.</returns>
    private async Task<Dictionary<NodeId, NodeStatus>> FindAgainAsync(List<VersionReceiver> stranded, Dictionary<NodeId, NodeStatus> nodes, CancellationToken ct)
    {
        try
        {
            foreach (var file in stranded.GroupBy(r => r.Version.Path))
            {
                var now = await cluster.AskAsync(n => n.VersionsAsync(cluster.Client, new VersionsRequest(file.Key), ct), ct);
                foreach (var receiver in file)
                    receiver.Nodes = Array.Find(now.Versions, v => v.Version == receiver.Version.Version)?.Nodes ?? receiver.Nodes;
            }
            return (await cluster.AskAsync(n => n.ClusterAsync(ct), ct)).Nodes.ToDictionary(n => n.Id);
        }
        catch (FailureException)
        {
            // Why they could not be had is said already.
            return nodes;
        }
    }

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
        // All of them can be had elsewhere.
        var isHedged = run.All(r => r.Nodes.Any(id => id != node.Id && !r.Tried.Contains(id) && !r.Left.Contains(id)));
        var patience = isHedged ? HedgeTime : SilenceTime;
        var next = 0;
        try
        {
            using var silence = CancellationTokenSource.CreateLinkedTokenSource(ct);
            silence.CancelAfter(patience);
            var request = new ReadRequest([.. run.Select(r => r.Wanted())]);
            await using var stream = await cluster.AskNodeAsync(node, n => n.ReadAsync(cluster.Client, node.Id.Value, request, silence.Token));
            await using var records = new RecordsAhead(new RecordReader(stream, node.Id.Value), node.Id.Value, cluster.Cipher, patience, silence);
            while (next < run.Length && await records.NextAsync() is var (record, plain))
            {
                using (record)
                    await AcceptAsync(run[next], record, plain, node, ct);
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
            // A node that is not there has none of them.
            GiveUp(node, e.Failure, e.Failure.Code == FailureCode.NodeUnreachable ? run[next..] : [run[next]]);
        }
        catch (Exception e) when (e is IOException or HttpRequestException || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            var isSilent = e is OperationCanceledException;
            GiveUp(node, Failure.Unreachable(node.Id, isSilent ? $"it sent nothing for {patience.TotalSeconds} s" : e.Message.TrimEnd('.')), run[next..], mayBeAskedAgain: isHedged && isSilent);
        }
    }

    /// <summary>Of a small version that the target refuses the rest is let go, and those behind it in the stream are not asked for anew.</summary>
    private static async ValueTask AcceptAsync(VersionReceiver receiver, Record record, ReadOnlyMemory<byte> plain, NodeRef node, CancellationToken ct)
    {
        try
        {
            await receiver.AcceptAsync(record, plain, node.Id.Value, ct);
        }
        catch (FailureException e) when (IsTheTargets(e.Failure) && receiver.CanBeSkipped)
        {
            await receiver.RefuseAsync(e.Failure);
        }
    }

    private static void GiveUp(NodeRef node, Failure failure, VersionReceiver[] receivers, bool mayBeAskedAgain = false)
    {
        foreach (var receiver in receivers)
        {
            (mayBeAskedAgain ? receiver.Left : receiver.Tried).Add(node.Id);
            receiver.LastFailure = failure;
        }
    }

    /// <summary>No other copy would help.</summary>
    private static bool IsTheTargets(Failure failure) =>
        failure.Code is FailureCode.LocalFailed or FailureCode.AlreadyExists or FailureCode.InvalidPath or FailureCode.SourceUnreadable or FailureCode.KeyNeeded;

    /// <summary>Lets several readers use a target that takes one call at a time. Their streams are written side by side.</summary>
    private sealed class OneCallAtATime(IRestoreTarget target) : IRestoreTarget
    {
        private readonly Lock calling = new();

        public Stream? Begin(FileVersion version, ManifestHead head)
        {
            lock (calling)
                return target.Begin(version, head);
        }

        public void Complete(FileVersion version, ManifestHead head)
        {
            lock (calling)
                target.Complete(version, head);
        }

        public void Failed(FileVersion version, Failure failure)
        {
            lock (calling)
                target.Failed(version, failure);
        }
    }

    /// <summary>
    /// Reads and opens a few records ahead: the next are on their way, and checked, while one is written. Its end waits for the read
    /// under way, since a connection given back in the middle of a read would hand the rest of it to the next request.
    /// </summary>
    private sealed class RecordsAhead : IAsyncDisposable
    {
        /// <summary>Enough for neither side to wait at every record, and little memory where many restore from one node.</summary>
        private const int WaitingMax = 2;

        private readonly Channel<Opened> waiting = Channel.CreateBounded<Opened>(new BoundedChannelOptions(WaitingMax) { SingleReader = true, SingleWriter = true });
        private readonly RecordReader reader;
        private readonly string culprit;
        private readonly TimeSpan patience;
        private readonly CancellationTokenSource stop;

        /// <summary>Used in turn: what one has opened lasts while it waits and is written, and the next is opened.</summary>
        private readonly RecordCodec[] codecs = new RecordCodec[WaitingMax + 2];
        private readonly Task reading;
        private volatile bool isDisposed;

        /// <param name="stop">Is cancelled when nothing comes for as long as the patience lasts. However long the target takes, that is not the node's silence.</param>
        public RecordsAhead(RecordReader reader, string culprit, ClientCipher? cipher, TimeSpan patience, CancellationTokenSource stop)
        {
            (this.reader, this.culprit, this.patience, this.stop) = (reader, culprit, patience, stop);
            for (var i = 0; i < codecs.Length; i++)
                codecs[i] = new RecordCodec(cipher);
            reading = Task.Run(ReadAllAsync);
        }

        /// <returns>Valid until the next call; the caller disposes the record. Null at the end.</returns>
        public async ValueTask<Opened?> NextAsync()
        {
            if (waiting.Reader.TryRead(out var next) || (await waiting.Reader.WaitToReadAsync() && waiting.Reader.TryRead(out next)))
                return next;
            await reading;
            return null;
        }

        public async ValueTask DisposeAsync()
        {
            isDisposed = true;
            // The end of the stream is next, unless it broke off or something in it was wrong: then it is cut short.
            if (!reading.IsCompleted)
                stop.CancelAfter(EndTime);
            await foreach (var left in waiting.Reader.ReadAllAsync())
                left.Record.Dispose();
            await reading.ContinueWith(_ => { }, TaskScheduler.Default);
            Array.ForEach(codecs, codec => codec.Dispose());
        }

        private async Task ReadAllAsync()
        {
            try
            {
                for (var i = 0; !isDisposed && await reader.ReadAsync(stop.Token) is { } record; i = (i + 1) % codecs.Length)
                {
                    stop.CancelAfter(Timeout.InfiniteTimeSpan);
                    await waiting.Writer.WriteAsync(Open(codecs[i], record));
                    stop.CancelAfter(patience);
                }
            }
            finally
            {
                waiting.Writer.Complete();
            }
        }

        private Opened Open(RecordCodec codec, Record record)
        {
            try
            {
                return new Opened(record, codec.Open(record, culprit));
            }
            catch
            {
                record.Dispose();
                throw;
            }
        }

        public sealed record Opened(Record Record, ReadOnlyMemory<byte> Plain);
    }
}
