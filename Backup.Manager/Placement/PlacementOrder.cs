using Backup.Protocol;

namespace Backup.Manager;

/// <summary>A node that takes files, as placement sees it.</summary>
/// <param name="Files">Files of which it holds a copy, reservations included.</param>
/// <param name="Zone">Null where zones are not set: then the node is a zone of its own.</param>
public sealed record Candidate(NodeId Id, long Files, long FreeBytes, string? Zone = null);

/// <summary>
/// The placement policy. It runs in Redis, where it reserves in the same breath (Redis/Scripts/library-order.lua); this is
/// what the script must do, and the tests hold the two against each other on random clusters.
/// Order: fewest files; then most free bytes, in units of <see cref="FreeUnitBytes"/>; then node id by bytes. The first is the
/// primary, the next ones are replicas, each in a zone not taken yet. Where there are fewer zones than copies, the
/// remaining copies go to the first nodes of any zone: two copies in one zone are better than a refusal.
/// A place that is given anew because one of its nodes failed keeps the others, before all: they may hold bytes already.
/// </summary>
public static class PlacementOrder
{
    /// <summary>
    /// A double holds a load of 24 bits beside free bytes of 29 bits exactly. In units of 16 MiB these reach 8 PiB, and who has
    /// 16 MiB more than another is no better a choice.
    /// </summary>
    public const long FreeUnitBytes = 16 << 20;

    private const long FreeUnitsMax = (1 << 29) - 1;

    /// <summary>The nodes for one new file, primary first; fewer than asked for when there are no more.</summary>
    /// <param name="sizeBytes">Nodes with less free are passed over.</param>
    /// <param name="kept">Of the candidates, those that stay.</param>
    public static IReadOnlyList<Candidate> Choose(IEnumerable<Candidate> candidates, int copies, long sizeBytes, params IEnumerable<Candidate> kept)
    {
        List<Candidate> chosen = [.. kept.Take(copies)];
        List<Candidate> left = [.. candidates
            .Where(node => node.FreeBytes >= sizeBytes && !chosen.Contains(node))
            .OrderBy(node => node.Files)
            .ThenByDescending(node => Math.Clamp(node.FreeBytes / FreeUnitBytes, 1, FreeUnitsMax))
            .ThenBy(node => node.Id)];
        while (chosen.Count < copies && left.Count > 0)
        {
            var next = left.Find(node => node.Zone is null || chosen.TrueForAll(other => other.Zone != node.Zone)) ?? left[0];
            left.Remove(next);
            chosen.Add(next);
        }
        return chosen;
    }
}
