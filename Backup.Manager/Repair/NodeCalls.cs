using System.Collections.Concurrent;
using Backup.Protocol;

namespace Backup.Manager;

/// <summary>The manager's connections to nodes, whose addresses it knows from their registrations.</summary>
public sealed class NodeCalls(Network? network = null)
{
    private readonly Network network = network ?? Network.Real;
    private readonly ConcurrentDictionary<Uri, ICopier> copiers = new();
    private readonly ConcurrentDictionary<Uri, ICollector> collectors = new();

    public ICopier Copier(NodeRef node) => copiers.GetOrAdd(node.Address, (address, id) => network.Reach<ICopier>(address, id.Value), node.Id);

    public ICollector Collector(NodeRef node) => collectors.GetOrAdd(node.Address, (address, id) => network.Reach<ICollector>(address, id.Value), node.Id);
}
