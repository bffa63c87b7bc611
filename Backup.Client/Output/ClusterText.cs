using Backup.Protocol;

namespace Backup.Client;

/// <summary>The cluster's state in lines. The first word is "healthy" or "degraded", and neither stands anywhere else.</summary>
internal static class ClusterText
{
    public static IEnumerable<string> Lines(ClusterStatus status)
    {
        yield return Headline(status);
        foreach (var problem in status.Problems)
            yield return $"  problem: {RootedPath.Escape(problem)}";
        if (status.Repair is { Running: true } repair)
            yield return $"  repair: {Sizes.Count(repair.VersionsExamined, "version")} seen, {Sizes.Count(repair.VersionsCopied, "copy", "copies")} made ({Sizes.Bytes(repair.BytesCopied)}). {RootedPath.Escape(string.Join(' ', repair.Reasons))}";
        foreach (var line in Nodes(status).Lines())
            yield return line;
    }

    public static string Headline(ClusterStatus status) =>
        $"{(status.Healthy ? "healthy" : "degraded")}: {status.Nodes.Count(node => node.State != NodeState.Dead)} of {Sizes.Count(status.Nodes.Length, "node")} alive, "
        + $"{status.Copies} copies of each file, {Sizes.Count(status.Clients, "client")}";

    public static TextTable Nodes(ClusterStatus status)
    {
        var table = new TextTable("node", "state", ">files", ">free", ">stored", ">seen", "address");
        foreach (var node in status.Nodes.OrderBy(node => node.Id))
        {
            var seen = TimeSpan.FromMilliseconds(Math.Max(0, status.NowMs - node.LastSeenMs));
            table.Add(node.Id.Value, node.State.ToString().ToLowerInvariant(), node.Files.ToString(), Sizes.Bytes(node.Space.FreeBytes),
                Sizes.Bytes(node.Space.StoredBytes), Sizes.Time(seen) + " ago", node.Address.GetLeftPart(UriPartial.Authority));
        }
        return table;
    }

    public static string Event(ClusterEvent happened, TimeProvider time) =>
        $"{Times.Show(happened.TimeMs, time)}  {happened.Severity.ToString().ToLowerInvariant(),-7}  {RootedPath.Escape(happened.Subject)}: {RootedPath.Escape(happened.Message)}";

    public static IEnumerable<string> Repair(RepairStatus repair, TimeProvider time)
    {
        yield return repair.Running ? $"under way since {Times.Show(repair.StartedMs, time)}"
            : repair.StartedMs == 0 ? "no pass over the files has been made yet"
            : $"ended {Times.Show(repair.EndedMs, time)}, after {Sizes.Time(TimeSpan.FromMilliseconds(Math.Max(0, repair.EndedMs - repair.StartedMs)))}";
        foreach (var reason in repair.Reasons)
            yield return $"  because: {RootedPath.Escape(reason)}";
        yield return $"{Sizes.Count(repair.VersionsExamined, "version")} looked at, {repair.VersionsCopied} copied ({Sizes.Bytes(repair.BytesCopied)}), {repair.VersionsLeft} left"
            + (repair.Failures > 0 ? $", {Sizes.Count(repair.Failures, "failure")}" : "");
        if (repair.VersionsLost > 0)
            yield return $"{Sizes.Count(repair.VersionsLost, "version has", "versions have")} no good copy on a node that is alive; `cluster events --bad` names the nodes";
    }

    public static IEnumerable<string> WhatIf(WhatIfReply reply)
    {
        yield return $"{reply.Node} holds copies of {Sizes.Count(reply.Files, "file")}";
        yield return $"without it {Sizes.Count(reply.VersionsUnderCopied, "version", "versions")} would have too few copies, {reply.VersionsLost} of them none";
        yield return reply.CanRepair
            ? $"the others would make these again in about {Sizes.Time(TimeSpan.FromSeconds(Math.Min(reply.Seconds, TimeSpan.FromDays(99).TotalSeconds)))}, from {Sizes.Bytes(reply.BytesToCopy)}"
            : "too few nodes would be left to make them again: add one";
    }

    public static IEnumerable<string> Rebuild(RebuildStatus rebuild, TimeProvider time)
    {
        yield return rebuild.Running ? $"under way since {Times.Show(rebuild.StartedMs, time)}: {Sizes.Count(rebuild.VersionsRestored, "version")} so far"
            : rebuild.EndedMs == 0 ? "Redis has not been rebuilt yet"
            : $"ended {Times.Show(rebuild.EndedMs, time)}: {Sizes.Count(rebuild.VersionsRestored, "version")}";
        if (rebuild.NodesLeft.Length > 0)
            yield return $"still to be read: {string.Join(", ", rebuild.NodesLeft)}";
    }

    /// <summary>How far the nodes that take files are from holding as many each.</summary>
    public static IEnumerable<string> Evenness(ClusterStatus status)
    {
        NodeStatus[] taking = [.. status.Nodes.Where(node => node.State == NodeState.Alive).OrderBy(node => node.Files)];
        if (taking.Length == 0)
        {
            yield return "no node takes files";
            yield break;
        }
        var fair = taking.Sum(node => node.Files) / taking.Length;
        yield return $"{taking[0].Id} holds the fewest files, {taking[0].Files}; {taking[^1].Id} the most, {taking[^1].Files}";
        yield return $"about {Sizes.Count(taking.Sum(node => Math.Max(0, node.Files - fair)), "file")} would move";
    }
}
