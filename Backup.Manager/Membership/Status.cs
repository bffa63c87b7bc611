using System.Globalization;
using Backup.Manager.Redis;
using Backup.Protocol;
using Microsoft.Extensions.Options;

namespace Backup.Manager;

/// <summary>The cluster as the manager sees it, and what keeps it from being healthy.</summary>
public sealed class Status(Metadata metadata, TimeProvider time, IOptions<ClusterOptions> options)
{
    public async Task<ClusterStatus> ReadAsync(CancellationToken ct)
    {
        var nowMs = time.GetUtcNow().ToUnixTimeMilliseconds();
        ScriptReply reply;
        try
        {
            reply = await metadata.RunAsync(new ScriptCall(Script.StatusCluster)
                .Key(Keys.Nodes, Keys.Leases, Keys.Loads, Keys.Draining, Keys.Clients, Keys.Reserved, Keys.Debts, Keys.Rebuild), ct);
        }
        catch (FailureException e) when (e.Failure.Code == FailureCode.MetadataUnavailable)
        {
            // Whoever asks for the state gets one, above all when something is down.
            return new ClusterStatus(false, [e.Failure.Message], [], options.Value.Copies, 0, 0, nowMs);
        }

        var leases = reply[1].Pairs.ToDictionary(pair => pair.Name, pair => Number(pair.Value));
        var loads = reply[2].Pairs.ToDictionary(pair => pair.Name, pair => Number(pair.Value));
        var draining = reply[3].Texts.ToHashSet();
        NodeLine[] lines = [.. reply[0].Pairs.Select(pair => NodeLine.Parse(pair.Name, pair.Value)).OrderBy(line => line.Id)];
        NodeStatus[] nodes = [.. lines.Select(line => new NodeStatus(line.Id, line.Address,
            StateOf(line, leases.GetValueOrDefault(line.Id.Value), draining.Contains(line.Id.Value), nowMs),
            loads.GetValueOrDefault(line.Id.Value), line.Epoch, line.Incarnation, line.Zone, line.Space, line.LastSeenMs))];
        var rebuild = RebuildState.Of(reply[7].Pairs);
        string[] problems = [.. rebuild.Problems, .. Problems(lines, nodes, reply[6].Number, options.Value.Copies, nowMs)];
        return new ClusterStatus(problems.Length == 0, problems, nodes, options.Value.Copies, reply[4].Number, reply[5].Number, nowMs);
    }

    private static NodeState StateOf(NodeLine line, long leaseEndMs, bool draining, long nowMs) =>
        leaseEndMs <= nowMs ? NodeState.Dead
        : draining ? NodeState.Draining
        : line.Space.FreeBytes == 0 ? NodeState.Full
        : NodeState.Alive;

    private static IEnumerable<string> Problems(NodeLine[] lines, NodeStatus[] nodes, long debts, int copies, long nowMs)
    {
        foreach (var (line, node) in lines.Zip(nodes))
        {
            if (node.State == NodeState.Dead)
                yield return $"Node {node.Id} at {node.Address} is dead: not heard of for {Math.Max(0, nowMs - node.LastSeenMs) / 1000} s.";
            if (node.State == NodeState.Full)
                yield return $"Node {node.Id} is full: it serves its files and takes no new ones.";
            if (line.LostFiles > 0)
                yield return $"Node {node.Id} came back with another data directory: its copies of {line.LostFiles} files are to be made again.";
        }
        var taking = nodes.Count(node => node.State == NodeState.Alive);
        if (taking < copies)
            yield return $"Only {taking} nodes take files, and the policy asks for {copies} copies.";
        if (debts > 0)
            yield return $"{debts} versions have fewer copies than the policy asks for.";
    }

    /// <summary>Scores are whole numbers; a server may write them with a fraction or an exponent.</summary>
    private static long Number(string score) => (long)double.Parse(score, CultureInfo.InvariantCulture);
}
