using Backup.Protocol;

namespace Backup.WebConsole.Browsing;

/// <summary>One copy of a version: what the cluster knows of its node, and what the node says of it.</summary>
/// <param name="State">Null when the node is not known any more.</param>
/// <param name="Said">What the node says, or why it says nothing.</param>
/// <param name="VerifiedMs">When the last of its bytes was last read and found good; null when the node does not say.</param>
public sealed record CopyView(NodeId Node, NodeState? State, string Said, long? VerifiedMs)
{
    /// <summary>A page does not wait longer for a node that hangs.</summary>
    private static readonly TimeSpan AnswerTimeMax = TimeSpan.FromSeconds(3);

    public static Task<CopyView[]> ReadAsync(FileVersion version, ClusterStatus status, ClusterConnection cluster, CancellationToken ct) =>
        Task.WhenAll(version.Nodes.Select(id => AskAsync(id, version.Version, status.Nodes.FirstOrDefault(node => node.Id == id), cluster, ct)));

    private static async Task<CopyView> AskAsync(NodeId id, long version, NodeStatus? node, ClusterConnection cluster, CancellationToken ct)
    {
        if (node is null)
            return new CopyView(id, null, "The node is not known any more.", null);
        if (node.State == NodeState.Dead)
            return new CopyView(id, node.State, "The node is dead; the other copies serve.", null);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(AnswerTimeMax);
        try
        {
            var reply = await cluster.AskNodeAsync(new NodeRef(id, node.Address), n => n.CopiesAsync(cluster.Client, id.Value, new CopiesRequest([version]), patience.Token));
            var copy = reply.Copies[0];
            return new CopyView(id, node.State, copy.Damaged ? "Damaged; it is not served from here." : copy.Held ? "Held" : "Not held", copy.VerifiedMs);
        }
        catch (FailureException e)
        {
            return new CopyView(id, node.State, e.Failure.Code == FailureCode.NotFound ? "The node does not say." : e.Failure.Message, null);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return new CopyView(id, node.State, "The node did not answer in time.", null);
        }
    }
}
