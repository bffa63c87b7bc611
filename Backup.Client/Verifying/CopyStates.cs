using Backup.Protocol;

namespace Backup.Client;

/// <summary>What nodes say of their own copies.</summary>
internal static class CopyStates
{
    /// <returns>In the order of the versions.</returns>
    /// <exception cref="FailureException">The node cannot be asked.</exception>
    public static async Task<CopyState[]> AskAsync(ClusterConnection cluster, NodeRef node, IReadOnlyList<FileVersion> versions, CancellationToken ct)
    {
        var states = new List<CopyState>(versions.Count);
        foreach (var some in versions.Chunk(Limits.FilesPerCallMax))
        {
            var request = new CopiesRequest([.. some.Select(file => file.Version)]);
            states.AddRange((await cluster.AskNodeAsync(node, n => n.CopiesAsync(cluster.Client, node.Id.Value, request, ct))).Copies);
        }
        return [.. states];
    }

    /// <summary>Of each copy of one version, in the order of its nodes; null where the node cannot be asked.</summary>
    /// <param name="nodes">Where nodes are, as a lookup gives it.</param>
    public static async Task<CopyState?[]> OfAsync(ClusterConnection cluster, FileVersion file, NodeRef[] nodes, CancellationToken ct)
    {
        var states = new CopyState?[file.Nodes.Length];
        for (var i = 0; i < states.Length; i++)
        {
            if (Array.Find(nodes, node => node.Id == file.Nodes[i]) is not { } at)
                continue;
            try
            {
                states[i] = (await AskAsync(cluster, at, [file], ct))[0];
            }
            catch (FailureException)
            {
                // Where it lies is known all the same; that the node does not answer is what null says.
            }
        }
        return states;
    }
}
