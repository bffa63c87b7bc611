using Backup.Protocol;

namespace Backup.Manager;

/// <summary>When a pass is due, and why. Pure.</summary>
public static class RepairReasons
{
    /// <summary>
    /// A pass that could not do everything is made again after this, or when a node changed. It looks at every file, so it also
    /// waits <see cref="RestPerWork"/> times as long as it took.
    /// </summary>
    private const long RetryMs = 60_000;

    private const int RestPerWork = 5;

    /// <summary>The conditions of all nodes as one text: while it stays the same, another pass would find the same.</summary>
    public static string Conditions(ClusterMoment now) =>
        string.Join(';', now.Nodes.Select(node => $"{node.Id}|{node.Condition}|{(node.State == NodeState.Alive ? "takes" : "")}"));

    /// <summary>Node and condition of each entry of <see cref="Conditions"/>.</summary>
    public static IEnumerable<(string Node, string Condition)> Healed(string conditions) =>
        conditions.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(entry => entry.Split('|')).Select(parts => (parts[0], parts[1]));

    /// <summary>A sentence for each reason; empty when no pass is due.</summary>
    public static string[] Due(ClusterMoment now, int copies)
    {
        string[] reasons = [.. Asked(now.Repair), .. now.Nodes.Where(node => NeedsPass(node)).Select(Why), .. Owed(now, copies)];
        var isAsked = now.Repair.IsAsked || now.Repair.IsRebalanceAsked;
        var last = now.Repair;
        var isEarly = last.EndedMs > 0 && last.Conditions == Conditions(now)
            && now.NowMs - last.EndedMs < Math.Max(RetryMs, RestPerWork * (last.EndedMs - last.StartedMs));
        return isAsked || !isEarly ? reasons : [];
    }

    /// <summary>A node that is emptied may get a file that was placed before; all else is seen to by one pass.</summary>
    private static bool NeedsPass(NodeView node) => node.Condition.Length > 0 && (!node.IsHealed || (node.IsDraining && node.Files > 0));

    private static IEnumerable<string> Asked(RepairPass last)
    {
        if (last.IsAsked)
            yield return "It was asked for.";
        if (last.IsRebalanceAsked)
            yield return "The file counts of the nodes are to be evened.";
    }

    /// <summary>Debt cannot be paid while there are too few nodes.</summary>
    private static IEnumerable<string> Owed(ClusterMoment now, int copies) =>
        now.Debts > 0 && now.Taking >= copies ? [$"{now.Debts} versions have fewer copies than the policy asks for."] : [];

    private static string Why(NodeView node) =>
        node.IsGone ? $"Node {node.Id} has been dead for longer than the grace time."
        : node.IsDraining ? $"Node {node.Id} is being emptied."
        : node.Condition.Contains("stale", StringComparison.Ordinal) ? $"Node {node.Id} came back with an older data directory."
        : $"Node {node.Id} came back with another data directory.";
}
