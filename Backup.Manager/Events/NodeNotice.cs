using System.Globalization;
using Backup.Protocol;

namespace Backup.Manager;

/// <summary>What was last said of a node in events, as Redis keeps it: "incarnation alive|dead sinceMs draining|- drained|- full|- staleEpoch watch".</summary>
/// <param name="SinceMs">When its death, or its life, was noticed.</param>
/// <param name="Watch">The token of the duty under which its death was noticed; 0 while it lives. Of what was noticed under another nobody knows whether it was watched all the time.</param>
public sealed record NodeNotice(Guid Incarnation, bool IsDead, long SinceMs, bool IsDraining, bool IsDrained, bool IsFull, long StaleEpoch, long Watch)
{
    public static NodeNotice Parse(string text)
    {
        var fields = text.Split(' ');
        return new NodeNotice(Guid.ParseExact(fields[0], "N"), fields[1] == "dead", Number(fields[2]),
            fields[3] == "draining", fields[4] == "drained", fields[5] == "full", Number(fields[6]), Number(fields[7]));
    }

    /// <summary>What is to be said of a node now, after what was said before.</summary>
    public static NodeNotice Of(NodeView node, long nowMs, long watch)
    {
        var isDead = node.State == NodeState.Dead;
        var token = isDead ? watch : 0;
        return new NodeNotice(node.Line.Incarnation, isDead, node.Notice is { } before && before.IsDead == isDead && before.Watch == token ? before.SinceMs : nowMs,
            node.IsDraining, node.IsDrained, node.State == NodeState.Full, node.StaleEpoch ?? 0, token);
    }

    /// <summary>The events that lead from what was said before to this.</summary>
    public IEnumerable<(EventKind Kind, EventSeverity Severity, string Message)> Since(NodeNotice? before, NodeId node)
    {
        if (before is null)
            yield return (EventKind.NodeJoined, EventSeverity.Info, $"Node {node} joined the cluster.");
        else if (before.Incarnation != Incarnation)
            yield return (EventKind.NodeLostData, EventSeverity.Warning, $"Node {node} came back with another data directory: its copies are made again.");
        else if (before.StaleEpoch != StaleEpoch && StaleEpoch != 0)
            yield return (EventKind.NodeLostData, EventSeverity.Warning, $"Node {node} came back with an older data directory: what it lacks is copied to it again.");
        else if (before.IsDead && !IsDead)
            yield return (EventKind.NodeReturned, EventSeverity.Info, $"Node {node} is back with the data it had.");
        if (IsDead && before is not { IsDead: true })
            yield return (EventKind.NodeDied, EventSeverity.Warning, $"Node {node} does not renew its lease any more.");
        if (IsDraining != (before?.IsDraining ?? false))
            yield return (EventKind.NodeDraining, EventSeverity.Info, IsDraining ? $"Node {node} gives its files away and takes no new ones." : $"Node {node} takes files again.");
        if (IsDrained && before is not { IsDrained: true })
            yield return (EventKind.NodeDrained, EventSeverity.Info, $"Node {node} holds nothing any more and may be removed.");
        if (IsFull != (before?.IsFull ?? false))
            yield return (EventKind.NodeFull, IsFull ? EventSeverity.Warning : EventSeverity.Info, IsFull ? $"Node {node} is full and takes no new files." : $"Node {node} has space again.");
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Incarnation:N} {(IsDead ? "dead" : "alive")} {SinceMs} {(IsDraining ? "draining" : "-")} {(IsDrained ? "drained" : "-")} {(IsFull ? "full" : "-")} {StaleEpoch} {Watch}");

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
