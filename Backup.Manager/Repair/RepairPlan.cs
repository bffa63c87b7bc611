using Backup.Protocol;

namespace Backup.Manager;

/// <summary>How repair sees a node.</summary>
public enum RepairHealth
{
    /// <summary>Serves, and takes copies.</summary>
    Takes,

    /// <summary>Serves its copies and takes no more.</summary>
    Full,

    /// <summary>Serves its copies until others have them.</summary>
    Leaving,

    /// <summary>Dead for less than the grace time: its copies count, and cannot be read.</summary>
    Away,

    /// <summary>Dead for longer: its copies do not count, though it may come back with them.</summary>
    Gone,
}

/// <param name="Files">Files of which it holds a copy, reservations included.</param>
/// <param name="IncarnationEpoch">What was placed on it before lay in a data directory that is gone.</param>
/// <param name="Lacking">Versions that it was asked for and does not hold, though they were placed on it.</param>
public sealed record RepairNode(
    NodeId Id, RepairHealth Health, long Files, long FreeBytes, string? Zone = null, long IncarnationEpoch = 0, IReadOnlySet<long>? Lacking = null);

/// <summary>What one version needs.</summary>
/// <param name="Sources">Nodes that hold a good copy and can be read, best first; empty when there are none.</param>
/// <param name="Targets">Nodes to copy it to, in the order in which they are wanted.</param>
/// <param name="Kept">Good copies that stay, primary first.</param>
/// <param name="Spare">Nodes on its line that are given up when enough others hold it, those that are most use first.</param>
/// <param name="IsLost">No good copy is left, not even on a node that is away.</param>
public sealed record VersionPlan(FileVersion Version, NodeId[] Sources, NodeId[] Targets, NodeId[] Kept, NodeId[] Spare, bool IsLost)
{
    /// <summary>The nodes of its line once these targets have it: never fewer good copies than before.</summary>
    public NodeId[] After(IReadOnlyCollection<NodeId> reached, int copies)
    {
        NodeId[] holders = [.. Kept, .. Targets.Where(reached.Contains)];
        return [.. holders, .. Spare.Take(Math.Max(0, copies - holders.Length))];
    }

    /// <summary>Whether it needs a copy that nobody can make now: its only good ones are away, or too few nodes take files.</summary>
    public bool IsStuck(int copies) => !IsLost && Kept.Length + (Sources.Length > 0 ? Targets.Length : 0) < copies;
}

/// <summary>
/// Which versions need which copies: from a good copy to a node with the fewest files, by the rules of <see cref="PlacementOrder"/>,
/// and where possible to nodes that hold other versions of the same file. Pure; it counts what it gives out, so that one
/// plan for many files keeps the nodes even.
/// </summary>
public sealed class RepairPlan(IEnumerable<RepairNode> nodes, int copies)
{
    private readonly Dictionary<NodeId, RepairNode> nodes = nodes.ToDictionary(node => node.Id);

    /// <summary>What each version of a file needs; those that need nothing are left out.</summary>
    /// <param name="versions">Of one file, oldest first.</param>
    /// <param name="rebalance">Moves copies of a file that needs nothing else to nodes with fewer files, where that brings the cluster nearer to even.</param>
    public IReadOnlyList<VersionPlan> Of(IReadOnlyList<FileVersion> versions, bool rebalance = false)
    {
        var plans = Of(versions, []);
        if (plans.Count == 0 && rebalance && FindMoves(versions) is { Count: > 0 } moves)
            plans = Of(versions, moves);
        Count(versions, plans);
        return plans;
    }

    private List<VersionPlan> Of(IReadOnlyList<FileVersion> versions, List<(RepairNode From, RepairNode To)> moves)
    {
        var plans = new List<VersionPlan>();
        var leaving = moves.ConvertAll(move => move.From);
        // Placement goes by the newest version's nodes: the others follow it.
        List<RepairNode> together = moves.ConvertAll(move => move.To);
        foreach (var version in versions.Reverse())
        {
            var listed = version.Nodes.Select(id => nodes.GetValueOrDefault(id)).OfType<RepairNode>().ToList();
            var good = listed.Where(node => IsGood(node, version)).ToList();
            // Of too many those that serve stay.
            var kept = good.Where(node => node.Health is RepairHealth.Takes or RepairHealth.Full or RepairHealth.Away && !leaving.Contains(node))
                .OrderBy(node => node.Health == RepairHealth.Away).Take(copies).OrderBy(good.IndexOf).ToList();
            together.AddRange(kept.Except(together));
            if (kept.Count == copies && version.Nodes.Length == copies)
                continue;
            // A node that lost its copy is counted for the file already.
            var targets = Choose(version, kept, [.. listed.Except(kept), .. together], leaving);
            together.AddRange(targets.Except(together));
            NodeId[] spare = [.. listed.Except(kept).Where(node => node.IncarnationEpoch <= version.Epoch && node.Lacking?.Contains(version.Version) != true)
                .Except(targets).OrderBy(node => node.Health).Select(node => node.Id)];
            var plan = new VersionPlan(version, [.. good.Where(CanBeRead).Select(node => node.Id)], [.. targets.Select(node => node.Id)],
                [.. kept.Select(node => node.Id)], spare, good.Count == 0);
            plans.Add(plan);
        }
        plans.Reverse();
        return plans;
    }

    /// <summary>The nodes that get a copy: those that hold other versions of the file first.</summary>
    private List<RepairNode> Choose(FileVersion version, List<RepairNode> kept, List<RepairNode> together, List<RepairNode> leaving)
    {
        var chosen = kept.ToList();
        var takers = nodes.Values.Where(node => node.Health == RepairHealth.Takes && !leaving.Contains(node) && node.FreeBytes >= version.SizeBytes && !kept.Contains(node)).ToList();
        foreach (var node in together.Distinct().Where(takers.Contains))
        {
            if (chosen.Count < copies && IsApart(node, chosen))
                chosen.Add(node);
        }
        var byId = PlacementOrder.Choose(takers.Select(AsCandidate), copies, version.SizeBytes, chosen.Select(AsCandidate));
        return [.. byId.Select(candidate => nodes[candidate.Id]).Skip(kept.Count)];
    }

    /// <summary>The moves that make the file counts more even: from above the average to below it, so that nothing is moved twice.</summary>
    private List<(RepairNode From, RepairNode To)> FindMoves(IReadOnlyList<FileVersion> versions)
    {
        var takers = nodes.Values.Where(node => node.Health == RepairHealth.Takes).ToList();
        List<(RepairNode From, RepairNode To)> moves = [];
        if (takers.Count == 0 || !versions.Any(Counts))
            return moves;
        var all = takers.Sum(node => node.Files);
        var (floor, ceiling) = (all / takers.Count, (all + takers.Count - 1) / takers.Count);
        var holders = versions.Where(Counts).SelectMany(version => version.Nodes).ToHashSet();
        var sizeBytes = versions.Sum(version => version.SizeBytes);
        foreach (var from in takers.Where(node => holders.Contains(node.Id)).OrderByDescending(node => node.Files))
        {
            var staying = versions[^1].Nodes.Where(id => id != from.Id && moves.TrueForAll(move => move.From.Id != id))
                .Select(id => nodes.GetValueOrDefault(id)).OfType<RepairNode>().Concat(moves.Select(move => move.To)).ToList();
            var to = takers.Where(node => !holders.Contains(node.Id) && node.FreeBytes >= sizeBytes && IsApart(node, staying)).OrderBy(node => node.Files).ThenBy(node => node.Id).FirstOrDefault();
            if (to is null || !((from.Files > ceiling && to.Files < ceiling) || (from.Files > floor && to.Files < floor)))
                continue;
            moves.Add((from, to));
            holders.Add(to.Id);
        }
        return moves;
    }

    /// <summary>Takes the file off the nodes that lose it and adds it to those that get it.</summary>
    private void Count(IReadOnlyList<FileVersion> versions, IReadOnlyList<VersionPlan> plans)
    {
        var after = plans.ToDictionary(plan => plan.Version.Version, plan => plan.Sources.Length > 0 ? plan.After(plan.Targets, copies) : plan.Version.Nodes);
        var now = versions.Where(Counts).SelectMany(version => version.Nodes).ToHashSet();
        var then = versions.Where(Counts).SelectMany(version => after.GetValueOrDefault(version.Version, version.Nodes)).ToHashSet();
        foreach (var id in now.Union(then).Where(nodes.ContainsKey))
            nodes[id] = nodes[id] with { Files = nodes[id].Files + (then.Contains(id) ? 1 : 0) - (now.Contains(id) ? 1 : 0) };
        foreach (var plan in plans)
        {
            foreach (var id in plan.Targets)
                nodes[id] = nodes[id] with { FreeBytes = Math.Max(0, nodes[id].FreeBytes - plan.Version.SizeBytes) };
        }
    }

    private static bool IsGood(RepairNode node, FileVersion version) =>
        node.Health != RepairHealth.Gone && node.IncarnationEpoch <= version.Epoch && node.Lacking?.Contains(version.Version) != true;

    private static bool CanBeRead(RepairNode node) => node.Health is RepairHealth.Takes or RepairHealth.Full or RepairHealth.Leaving;

    private static bool IsApart(RepairNode node, List<RepairNode> others) => node.Zone is null || others.TrueForAll(other => other.Zone != node.Zone);

    private static bool Counts(FileVersion version) => version.Kind is VersionKind.File or VersionKind.Symlink;

    private static Candidate AsCandidate(RepairNode node) => new(node.Id, node.Files, node.FreeBytes, node.Zone);
}
