using System.Globalization;
using Backup.Manager.Redis;
using Backup.Protocol;
using Microsoft.Extensions.Options;

namespace Backup.Manager;

/// <summary>A node as of one moment, with what is known of its past.</summary>
/// <param name="Files">Files of which it holds a copy, reservations included.</param>
/// <param name="Notice">What was last said of it in events; null when it was never noticed.</param>
/// <param name="IsGone">Dead for longer than the grace time: it is not waited for any more.</param>
/// <param name="Healed">The condition that repair has seen to; null when there was none.</param>
/// <param name="StaleEpoch">When it came back with an older data directory; null when it never did.</param>
/// <param name="Reconciling">How far its holdings were compared with what is placed on it; null when that is done.</param>
/// <param name="IsMerged">False while it holds what the metadata, which was lost, may not know yet: nothing on it is surplus then.</param>
/// <param name="Damaged">Records it holds damaged and has not got back from another copy yet.</param>
public sealed record NodeView(
    NodeLine Line, NodeState State, bool IsDraining, long Files, NodeNotice? Notice, bool IsGone, string? Healed, long? StaleEpoch, string? Reconciling, bool IsMerged, long Damaged)
{
    public NodeId Id => Line.Id;

    /// <summary>What of this node makes copies necessary, as text that differs whenever it happens again; empty when nothing does.</summary>
    public string Condition => string.Join(' ', ((string?[])[
        IsGone ? string.Create(CultureInfo.InvariantCulture, $"gone-{Line.Epoch}") : null,
        Line.LostFiles > 0 ? $"lost-{Line.Incarnation:N}" : null,
        StaleEpoch is { } epoch ? string.Create(CultureInfo.InvariantCulture, $"stale-{epoch}") : null,
        IsDraining ? "draining" : null]).OfType<string>());

    /// <summary>Whether repair has gone through all files since its condition arose.</summary>
    public bool IsHealed => Condition == (Healed ?? "");

    /// <summary>Whether it holds nothing any more and may be removed.</summary>
    public bool IsDrained => IsDraining && State != NodeState.Dead && Files == 0 && IsHealed && Reconciling is null && IsMerged;
}

/// <summary>The cluster as of one moment.</summary>
/// <param name="Debts">Versions with fewer copies than the policy asks for.</param>
/// <param name="Noticed">What was last said in events of what is no node.</param>
/// <param name="Overdue">Clients whose backup did not come when it usually does.</param>
/// <param name="Unusual">Clients whose last backup changed strangely much.</param>
public sealed record ClusterMoment(
    long NowMs, NodeView[] Nodes, long Clients, long Reserved, long Debts, IReadOnlyDictionary<string, string> Noticed, RepairPass Repair, long Epoch, RebuildState Rebuild,
    long Overdue, long Unusual)
{
    /// <summary>How many nodes take new files.</summary>
    public int Taking => Nodes.Count(node => node.State == NodeState.Alive);
}

/// <summary>Reads everything about the nodes at once.</summary>
public sealed class ClusterView(Metadata metadata, TimeProvider time, IOptions<ClusterOptions> options)
{
    public async Task<ClusterMoment> ReadAsync(CancellationToken ct)
    {
        var nowMs = time.GetUtcNow().ToUnixTimeMilliseconds();
        var reply = await metadata.RunAsync(new ScriptCall(Script.StatusCluster)
            .Key(Keys.Nodes, Keys.Leases, Keys.Loads, Keys.Draining, Keys.Clients, Keys.Reserved, Keys.Debts)
            .Key(Keys.Noticed, Keys.Repair, Keys.Healed, Keys.Stale, Keys.Reconcile, Keys.Epoch, Keys.Rebuild, Keys.Inventoried, Keys.Duty(Watch.Duty))
            .Key(Keys.Damaged, Keys.Overdue, Keys.Unusual), ct);
        Dictionary<string, string> Hash(int index) => reply[index].Pairs.ToDictionary(pair => pair.Name, pair => pair.Value);
        var (leases, loads, noticed, healed, stale, reconcile, damaged) = (Hash(1), Hash(2), Hash(7), Hash(9), Hash(10), Hash(11), Hash(16));
        var (watch, watchedUntilMs) = (Number(reply[15][0].Text), Number(reply[15][1].Text));
        var draining = reply[3].Texts.ToHashSet();
        var (rebuild, inventoried) = (RebuildState.Of(reply[13].Pairs), Hash(14));
        NodeView[] nodes = [.. reply[0].Pairs.Select(pair => NodeLine.Parse(pair.Name, pair.Value)).OrderBy(line => line.Id).Select(line =>
        {
            var id = line.Id.Value;
            var state = StateOf(line, leases.TryGetValue(id, out var end) ? Number(end) : 0, draining.Contains(id), nowMs);
            var notice = noticed.TryGetValue(id, out var said) ? NodeNotice.Parse(said) : null;
            // Counted from when a manager noticed it that has watched since: while none ran, nobody could renew a lease.
            var isGone = state == NodeState.Dead && notice is { IsDead: true } && notice.Watch == watch && watchedUntilMs > nowMs && nowMs - notice.SinceMs >= options.Value.RepairGrace.TotalMilliseconds;
            return new NodeView(line, state, draining.Contains(id), loads.TryGetValue(id, out var files) ? Number(files) : 0, notice, isGone,
                healed.GetValueOrDefault(id), stale.TryGetValue(id, out var since) ? Number(since) : null, reconcile.GetValueOrDefault(id),
                !rebuild.WasLost || inventoried.GetValueOrDefault(id) == line.Incarnation.ToString("N"), damaged.TryGetValue(id, out var records) ? Number(records) : 0);
        })];
        return new ClusterMoment(nowMs, nodes, reply[4].Number, reply[5].Number, reply[6].Number, noticed, RepairPass.Of(Hash(8)), reply[12].Number, rebuild,
            reply[17].Number, reply[18].Number);
    }

    private static NodeState StateOf(NodeLine line, long leaseEndMs, bool draining, long nowMs) =>
        leaseEndMs <= nowMs ? NodeState.Dead
        : draining ? NodeState.Draining
        : line.Space.FreeBytes == 0 ? NodeState.Full
        : NodeState.Alive;

    /// <summary>Scores are whole numbers; a server may write them with a fraction or an exponent.</summary>
    private static long Number(string score) => (long)double.Parse(score, CultureInfo.InvariantCulture);
}
