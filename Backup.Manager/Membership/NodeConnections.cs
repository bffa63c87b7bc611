using System.Collections.Concurrent;
using Backup.Manager.Redis;
using Backup.Protocol;

namespace Backup.Manager;

/// <summary>The manager's connections to nodes, by their ids.</summary>
public sealed class NodeConnections(Metadata metadata)
{
    /// <summary>Forgetting a thousand versions is one fsync; a node that takes longer hangs.</summary>
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(15);

    private readonly ConcurrentDictionary<(NodeId, Uri), ICollector> collectors = new();
    private readonly ConcurrentDictionary<(NodeId, Uri), ICopier> copiers = new();

    /// <summary>Null when no such node ever registered.</summary>
    public async Task<ICollector?> FindAsync(NodeId node, CancellationToken ct)
    {
        var line = (await metadata.ReadHashAsync(Keys.Nodes, [node.Value], ct))[0];
        return line is null ? null : Collector(NodeLine.Parse(node.Value, line).Ref);
    }

    public ICollector Collector(NodeRef node) => collectors.GetOrAdd((node.Id, node.Address),
        static key => Clients.Create<ICollector>(key.Item2, key.Item1.Value, FailureCode.NodeUnreachable, AnswerTime));

    /// <summary>Copying takes as long as it takes: who asks for it sets the deadline.</summary>
    public ICopier Copier(NodeRef node) => copiers.GetOrAdd((node.Id, node.Address), static key => Clients.Create<ICopier>(key.Item2, key.Item1.Value));
}
