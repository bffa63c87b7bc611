using System.Collections.Concurrent;
using Backup.Manager.Redis;
using Backup.Protocol;

namespace Backup.Manager;

/// <summary>The manager's connections to nodes, by their ids.</summary>
public sealed class NodeConnections(Metadata metadata, PeerGrants grants)
{
    /// <summary>Forgetting a thousand versions is one fsync; a node that takes longer hangs.</summary>
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(15);

    private readonly ConcurrentDictionary<(NodeId, Uri), ICollector> collectors = new();

    /// <summary>Null when no such node ever registered.</summary>
    public async Task<ICollector?> FindAsync(NodeId node, CancellationToken ct)
    {
        var line = (await metadata.ReadHashAsync(Keys.Nodes, [node.Value], ct))[0];
        return line is null ? null : collectors.GetOrAdd((node, NodeLine.Parse(node.Value, line).Address),
            key => Clients.Create<ICollector>(key.Item2, key.Item1.Value, FailureCode.NodeUnreachable, AnswerTime, grants.To(key.Item1.Value)));
    }
}
