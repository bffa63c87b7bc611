using Backup.Protocol;
using Microsoft.Extensions.Options;

namespace Backup.Manager;

/// <summary>The cluster as the manager sees it, and what keeps it from being healthy.</summary>
public sealed class Status(ClusterView view, TimeProvider time, IOptions<ClusterOptions> options)
{
    public async Task<ClusterStatus> ReadAsync(CancellationToken ct)
    {
        try
        {
            return Of(await view.ReadAsync(ct), options.Value.Copies);
        }
        catch (FailureException e) when (e.Failure.Code == FailureCode.MetadataUnavailable)
        {
            // Whoever asks for the state gets one, above all when something is down.
            return new ClusterStatus(false, [e.Failure.Message], [], options.Value.Copies, 0, 0, time.GetUtcNow().ToUnixTimeMilliseconds());
        }
    }

    private static ClusterStatus Of(ClusterMoment now, int copies)
    {
        NodeStatus[] nodes = [.. now.Nodes.Select(node => new NodeStatus(node.Id, node.Line.Address, node.State, node.Files,
            node.Line.Epoch, node.Line.Incarnation, node.Line.Zone, node.Line.Space, node.Line.LastSeenMs, node.IsDrained))];
        string[] problems = [.. Problems(now, copies)];
        return new ClusterStatus(problems.Length == 0, problems, nodes, copies, now.Clients, now.Reserved, now.NowMs, now.Debts, now.Repair.ToStatus());
    }

    private static IEnumerable<string> Problems(ClusterMoment now, int copies)
    {
        foreach (var problem in now.Rebuild.Problems)
            yield return problem;
        foreach (var node in now.Nodes)
        {
            if (node.State == NodeState.Dead)
                yield return $"Node {node.Id} at {node.Line.Address} is dead: not heard of for {Math.Max(0, now.NowMs - node.Line.LastSeenMs) / 1000} s.";
            if (node.State == NodeState.Full)
                yield return $"Node {node.Id} is full: it serves its files and takes no new ones.";
            if (node.Line.LostFiles > 0 && !node.IsHealed)
                yield return $"Node {node.Id} came back with another data directory: its copies of {node.Line.LostFiles} files are to be made again.";
            if (node.StaleEpoch is not null && !node.IsHealed)
                yield return $"Node {node.Id} came back with an older data directory: what it lacks is to be copied to it again.";
            if (node.Damaged > 0)
                yield return $"Node {node.Id} holds {node.Damaged} damaged records, which it gets back from other copies.";
        }
        if (now.Taking < copies)
            yield return $"Only {now.Taking} nodes take files, and the policy asks for {copies} copies.";
        if (now.Debts > 0)
            yield return $"{now.Debts} versions have fewer copies than the policy asks for.";
        if (now.Repair.VersionsLost > 0)
            yield return $"{now.Repair.VersionsLost} versions have no good copy on a node that is alive.";
        // Whose they are is for those who look after the cluster, and for each client about itself.
        if (now.Overdue > 0)
            yield return $"{Clients(now.Overdue, "has", "have")} not backed up when they usually do: `cluster clients` names them.";
        if (now.Unusual > 0)
            yield return $"{Clients(now.Unusual, "has", "have")} a last backup that changed strangely much, and retention pauses for them: `cluster clients` names them.";
    }

    private static string Clients(long count, string one, string many) => count == 1 ? $"One client {one}" : $"{count} clients {many}";
}
