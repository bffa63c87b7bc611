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
}
