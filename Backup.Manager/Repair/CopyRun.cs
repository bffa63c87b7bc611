using Backup.Protocol;

namespace Backup.Manager;

/// <summary>Carries out what was planned for the files of one client: nodes copy to nodes, each version from the next source where one fails.</summary>
/// <param name="epoch">Of the pass.</param>
internal sealed class CopyRun(NodeCalls calls, IReadOnlyDictionary<NodeId, NodeRef> nodes, ClientId client, long epoch, TimeProvider time)
{
    /// <summary>Versions copied by one call up to this size together: some seconds of work. A larger one travels alone.</summary>
    private const long CallBytesMax = 64 << 20;

    /// <summary>Two nodes read and two write: more would leave uploads waiting.</summary>
    private const int CallsAtOnce = 4;

    /// <summary>What a call may take in any case, and for each byte: a node that is slower hangs.</summary>
    private static readonly TimeSpan CallTime = TimeSpan.FromSeconds(60);
    private const double BytesPerSecondMin = 1 << 20;

    private readonly Lock gate = new();
    private readonly Dictionary<long, HashSet<NodeId>> reached = [];

    public long Bytes { get; private set; }

    /// <summary>Calls that failed, or did a part only.</summary>
    public long Failures { get; private set; }

    public Failure? LastFailure { get; private set; }

    /// <summary>The targets that hold this version now.</summary>
    public IReadOnlyCollection<NodeId> Reached(long version) => reached.GetValueOrDefault(version) ?? [];

    public async Task RunAsync(IReadOnlyCollection<VersionPlan> plans, int copies, CancellationToken ct)
    {
        var waiting = plans.SelectMany(plan => plan.Targets.Select(to => new Copy(plan, to, plan.After(plan.Targets, copies)))).ToList();
        for (var turn = 0; waiting.Count > 0; turn++)
        {
            // Each turn asks the next source; which one is first goes by the version, so that all holders read.
            waiting.RemoveAll(copy => turn >= copy.Plan.Sources.Length);
            await Parallel.ForEachAsync(Batches(waiting, turn), new ParallelOptions { MaxDegreeOfParallelism = CallsAtOnce, CancellationToken = ct }, async (batch, token) => await CopyAsync(batch, token));
            waiting.RemoveAll(copy => Reached(copy.Plan.Version.Version).Contains(copy.To));
        }
    }

    private static IEnumerable<Batch> Batches(List<Copy> waiting, int turn)
    {
        foreach (var group in waiting.GroupBy(copy => (From: copy.SourceAt(turn), copy.To, Nodes: string.Join(',', copy.Nodes))))
        {
            var (some, bytes) = (new List<Copy>(), 0L);
            foreach (var copy in group)
            {
                if (some.Count > 0 && (bytes + copy.Plan.Version.SizeBytes > CallBytesMax || some.Count == Limits.FilesPerCallMax))
                {
                    yield return new Batch(group.Key.From, group.Key.To, some, bytes);
                    (some, bytes) = ([], 0);
                }
                some.Add(copy);
                bytes += copy.Plan.Version.SizeBytes;
            }
            yield return new Batch(group.Key.From, group.Key.To, some, bytes);
        }
    }

    private async Task CopyAsync(Batch batch, CancellationToken ct)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        using var timer = time.CreateTimer(_ => deadline.Cancel(), null, Timers.Bounded(CallTime + TimeSpan.FromSeconds(batch.Bytes / BytesPerSecondMin)), Timeout.InfiniteTimeSpan);
        try
        {
            var reply = await calls.Copier(nodes[batch.From]).CopyAsync(client, new CopyRequest(batch.To, batch.Copies[0].Nodes, epoch,
                [.. batch.Copies.Select(copy => copy.Plan.Version.Version)]), deadline.Token);
            lock (gate)
            {
                Bytes += reply.Bytes;
                foreach (var version in reply.Copied)
                {
                    if (!reached.TryGetValue(version, out var where))
                        reached[version] = where = [];
                    where.Add(batch.To);
                }
            }
            if (reply.Failure is not null)
                Note(reply.Failure);
        }
        catch (FailureException e)
        {
            Note(e.Failure);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            Note(new Failure(FailureCode.TimedOut, $"Node {batch.From} did not copy to {batch.To} in time.", batch.From.Value, "Nothing to do: it is tried again."));
        }
    }

    private void Note(Failure failure)
    {
        lock (gate)
        {
            Failures++;
            LastFailure = failure;
        }
    }

    /// <param name="Nodes">Who holds the version afterwards.</param>
    private sealed record Copy(VersionPlan Plan, NodeId To, NodeId[] Nodes)
    {
        public NodeId SourceAt(int turn) => Plan.Sources[(int)((Plan.Version.Version + turn) % Plan.Sources.Length)];
    }

    private sealed record Batch(NodeId From, NodeId To, List<Copy> Copies, long Bytes);
}
