using System.Collections.Concurrent;
using Backup.Protocol;

namespace Backup.Manager;

/// <summary>The manager's connections to nodes, whose addresses it knows from their registrations.</summary>
public sealed class NodeCalls
{
    private readonly ConcurrentDictionary<Uri, ICopier> copiers = new();
    private readonly ConcurrentDictionary<Uri, ICollector> collectors = new();

    public ICopier Copier(NodeRef node) => copiers.GetOrAdd(node.Address, static (address, id) => Clients.Create<ICopier>(address, id.Value), node.Id);

    public ICollector Collector(NodeRef node) => collectors.GetOrAdd(node.Address, static (address, id) => Clients.Create<ICollector>(address, id.Value), node.Id);
}
