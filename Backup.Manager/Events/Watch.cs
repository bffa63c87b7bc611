using Backup.Manager.Redis;
using Backup.Protocol;
using Backup.ServiceDefaults;

namespace Backup.Manager;

/// <summary>
/// Notices what becomes of the nodes and says it once. What was said is kept in Redis and changed together with the event, so
/// that a manager that takes over, or one that was paused, repeats nothing.
/// </summary>
public sealed class Watch(Metadata metadata, ClusterView view, EventLog events, TimeProvider time, ILogger<Watch> log) : Worker(time, log)
{
    /// <summary>What the debts are noted under: no node has such an id.</summary>
    private const string Debts = "*debts";

    /// <summary>What the loss of the metadata is noted under.</summary>
    private const string Rebuilding = "*metadata";

    /// <summary>What precedes a node's id where its damage is noted.</summary>
    private const string Damage = "*damage ";

    private const string Owed = "owed", Paid = "paid", Bad = "bad", Good = "good";

    /// <summary>The background duty.</summary>
    public const string Duty = "watch";

    private readonly DutyLease duty = new(metadata, time, Duty, onLostMetadata: true);

    /// <summary>Half a heartbeat: a death is noticed hardly later than its lease ends.</summary>
    protected override TimeSpan IdleInterval => Leases.Heartbeat / 2;

    public override async Task<WorkerStep> StepAsync(CancellationToken cancellationToken)
    {
        if (await duty.TakeAsync(cancellationToken) is not { } token)
            return WorkerStep.Idle;
        var now = await view.ReadAsync(cancellationToken);
        foreach (var node in now.Nodes)
        {
            var notice = NodeNotice.Of(node, now.NowMs, token);
            if (notice != node.Notice)
                await events.NoticeAsync(node.Id.Value, node.Notice?.ToString() ?? "", notice.ToString(), node.Id.Value, notice.Since(node.Notice, node.Id), cancellationToken);
        }
        await NoticeRebuildAsync(now, cancellationToken);
        await NoticeDamageAsync(now, cancellationToken);
        var said = now.Noticed.GetValueOrDefault(Debts, "");
        if (now.Debts > 0 && said != Owed)
            await events.NoticeAsync(Debts, said, Owed, "cluster", [(EventKind.CopiesOwed, EventSeverity.Warning, $"{now.Debts} versions have fewer copies than the policy asks for.")], cancellationToken);
        else if (now.Debts == 0 && said == Owed)
            await events.NoticeAsync(Debts, said, Paid, "cluster", [(EventKind.CopiesRepaid, EventSeverity.Info, "All copies that were owed are made.")], cancellationToken);
        return WorkerStep.Idle;
    }

    private async Task NoticeDamageAsync(ClusterMoment now, CancellationToken ct)
    {
        // Of a node that is dead nobody knows more than what was said.
        foreach (var node in now.Nodes.Where(node => node.State != NodeState.Dead))
        {
            var said = now.Noticed.GetValueOrDefault(Damage + node.Id, "");
            if (node.Damaged > 0 && said != Bad)
                await events.NoticeAsync(Damage + node.Id, said, Bad, node.Id.Value, [(EventKind.CopyDamaged, EventSeverity.Warning, $"Node {node.Id} found {node.Damaged} records damaged, and gets them back from other copies.")], ct);
            else if (node.Damaged == 0 && said == Bad)
                await events.NoticeAsync(Damage + node.Id, said, Good, node.Id.Value, [(EventKind.CopyRepaired, EventSeverity.Info, $"Node {node.Id} holds nothing damaged any more.")], ct);
        }
    }

    private async Task NoticeRebuildAsync(ClusterMoment now, CancellationToken ct)
    {
        var rebuild = now.Rebuild;
        if (!rebuild.WasLost)
            return;
        var said = now.Noticed.GetValueOrDefault(Rebuilding, "");
        var (lost, done) = ($"lost {rebuild.SinceMs}", $"done {rebuild.SinceMs}");
        var happened = new List<(EventKind, EventSeverity, string)>();
        if (said != lost && said != done)
            happened.Add((EventKind.MetadataLost, EventSeverity.Warning, $"The metadata is rebuilt from the nodes, and writes wait: {rebuild.Reason}."));
        if (!rebuild.IsLost && said != done)
            happened.Add((EventKind.MetadataRebuilt, EventSeverity.Info, $"The metadata was rebuilt from the nodes: {rebuild.Restored} versions were restored."));
        if (happened.Count > 0)
            await events.NoticeAsync(Rebuilding, said, rebuild.IsLost ? lost : done, "cluster", happened, ct);
    }
}
