using System.Globalization;
using Backup.Manager.Redis;
using Backup.Protocol;
using Backup.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Backup.Manager;

/// <summary>
/// Rebuilds lost metadata from what the nodes hold, see docs/adr/0013: ① waits until every node that lives has registered anew,
/// ② reads their inventories side by side and merges them, ③ lets writes go on. A node that comes back later is merged alone.
/// One manager of all does it.
/// </summary>
public sealed partial class RebuildWorker(
    Metadata metadata, Rebuilder rebuilder, VersionMerger merger, MomentKeeper moments, TimeProvider time, ILogger<RebuildWorker> log, Network? network = null) : Worker(time, log)
{
    /// <summary>How long after the loss was noticed nodes are waited for: a node asks every two seconds, and counts as dead after six.</summary>
    private static readonly TimeSpan RejoinTime = Leases.Node + (2 * Leases.Heartbeat);

    /// <summary>A page of a thousand manifests takes a slow disk some seconds.</summary>
    private static readonly TimeSpan PageTime = TimeSpan.FromSeconds(60);

    private readonly DutyLease duty = new(metadata, time, VersionMerger.Duty, onLostMetadata: true);
    private InventoryMerge? merge;
    private Dictionary<NodeId, Guid> reading = [];
    private long readingSinceMs;
    private bool isLate;

    protected override TimeSpan IdleInterval => TimeSpan.FromSeconds(1);

    /// <summary>Writes wait for it.</summary>
    protected override double RestPerWork => 0;

    public override async Task<WorkerStep> StepAsync(CancellationToken cancellationToken)
    {
        var state = await rebuilder.ReadAsync(cancellationToken);
        if (!state.WasLost || await duty.TakeAsync(cancellationToken) is not { } token)
        {
            merge = null;
            return WorkerStep.Idle;
        }
        // What was begun before the metadata was lost again says nothing.
        if (readingSinceMs != state.SinceMs || (isLate && state.IsLost))
            merge = null;
        if (merge is null && !await BeginAsync(state, token, cancellationToken))
            return WorkerStep.Idle;
        return await MergeAsync(merge!, token, cancellationToken);
    }

    /// <summary>①</summary>
    /// <returns>False when there is nothing to read, or not yet.</returns>
    private async Task<bool> BeginAsync(RebuildState state, long token, CancellationToken ct)
    {
        var nowMs = Time.GetUtcNow().ToUnixTimeMilliseconds();
        var known = (await metadata.ReadPairsAsync(Keys.Nodes, ct)).Select(pair => NodeLine.Parse(pair.Name, pair.Value)).ToList();
        var living = known.Where(node => node.LastSeenMs + Leases.Node.TotalMilliseconds > nowMs && node.Epoch > state.Epoch).ToList();
        var inventoried = (await metadata.ReadPairsAsync(Keys.Inventoried, ct)).ToDictionary(pair => pair.Name, pair => pair.Value);
        isLate = !state.IsLost;
        if (isLate)
            living.RemoveAll(node => inventoried.GetValueOrDefault(node.Id.Value) == node.Incarnation.ToString("N"));
        else if (nowMs - state.SinceMs < RejoinTime.TotalMilliseconds)
            return false;
        if (living.Count == 0)
            return false;
        merge = new InventoryMerge([.. living.Select(node => (node.Id, (network ?? Network.Real).Reach<IInventory>(node.Address, node.Id.Value, FailureCode.NodeUnreachable, PageTime)))]);
        reading = living.ToDictionary(node => node.Id, node => node.Incarnation);
        readingSinceMs = state.SinceMs;
        merger.Begin();
        LogBegun(living.Count, isLate ? "late" : state.Reason);
        return await MarkAsync(token, isDone: false, ct);
    }

    /// <summary>② ③</summary>
    private async Task<WorkerStep> MergeAsync(InventoryMerge from, long token, CancellationToken ct)
    {
        List<IReadOnlyList<FoundCopy>> versions;
        try
        {
            versions = await from.NextAsync(Limits.FilesPerCallMax, ct);
        }
        catch (FailureException e) when (NodeId.TryParse(e.Failure.Culprit, null, out var node) && reading.ContainsKey(node))
        {
            await GiveUpDeadAsync(from, node, e.Failure, ct);
            return WorkerStep.Idle;
        }
        if (versions.Count > 0)
        {
            // Until these are merged nothing else is: where Redis fails, the inventories are read anew from their beginning.
            merge = null;
            if (await merger.MergeAsync(token, versions, withHints: !isLate, ct) is not null)
                merge = from;
            return WorkerStep.Busy;
        }
        foreach (var kept in from.Moments)
        {
            if (!await moments.RestoreAsync(token, kept, ct))
                break;
        }
        if (await MarkAsync(token, isDone: true, ct))
            LogDone(reading.Count, (await rebuilder.ReadAsync(ct)).Restored);
        merge = null;
        return WorkerStep.Idle;
    }

    /// <summary>A node that lives and does not answer is waited for: what only it holds must not be missed while writes go on.</summary>
    private async Task GiveUpDeadAsync(InventoryMerge from, NodeId node, Failure failure, CancellationToken ct)
    {
        var line = (await metadata.ReadHashAsync(Keys.Nodes, [node.Value], ct))[0];
        var lives = line is not null && NodeLine.Parse(node.Value, line).LastSeenMs + Leases.Node.TotalMilliseconds > Time.GetUtcNow().ToUnixTimeMilliseconds();
        LogUnanswered(node, failure.Message, lives ? "it is asked again" : "the rebuild goes on without it");
        if (lives)
            return;
        from.GiveUp(node);
        reading.Remove(node);
    }

    private async Task<bool> MarkAsync(long token, bool isDone, CancellationToken ct)
    {
        var call = new ScriptCall(Script.MarkRebuild).Key(Keys.Duty(VersionMerger.Duty), Keys.Rebuild, Keys.Inventoried)
            .Arg(token).Arg(Time.GetUtcNow().ToUnixTimeMilliseconds()).Arg(FileLines.Join(isDone ? [] : reading.Keys)).Arg(isDone ? "done" : "more");
        if (isDone)
        {
            foreach (var (node, incarnation) in reading)
                call.Arg(node.Value).Arg(incarnation.ToString("N"));
        }
        return (await metadata.RunAsync(call, ct))[0].Text == "ok";
    }

    [LoggerMessage(LogLevel.Warning, "The metadata is rebuilt from {Nodes} nodes ({Reason})")]
    private partial void LogBegun(int nodes, string reason);

    [LoggerMessage(LogLevel.Warning, "The metadata was rebuilt from {Nodes} nodes: {Versions} versions were restored")]
    private partial void LogDone(int nodes, long versions);

    [LoggerMessage(LogLevel.Warning, "Node {Node} did not tell what it holds ({Reason}); {Next}")]
    private partial void LogUnanswered(NodeId node, string reason, string next);
}
