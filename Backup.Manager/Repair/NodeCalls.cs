using System.Collections.Concurrent;
using Backup.Protocol;

namespace Backup.Manager;

/// <summary>The manager's connections to nodes, whose addresses it knows from their registrations.</summary>
public sealed class NodeCalls(Network? network = null)
{
    /// <summary>Forgetting a thousand versions is one fsync, a page of what is held a thousand small reads; a node that takes longer hangs.</summary>
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(15);

    private readonly Network network = network ?? Network.Real;
    private readonly ConcurrentDictionary<Uri, ICopier> copiers = new();
    private readonly ConcurrentDictionary<Uri, ICopier> answering = new();
    private readonly ConcurrentDictionary<Uri, ICollector> collectors = new();

    /// <summary>For copying, which takes as long as it takes: whoever asks for it sets the deadline.</summary>
    public ICopier Copier(NodeRef node) => copiers.GetOrAdd(node.Address, (address, id) => network.Reach<ICopier>(address, id.Value), node.Id);

    /// <summary>For what is answered at once.</summary>
    public ICopier Inventory(NodeRef node) =>
        answering.GetOrAdd(node.Address, (address, id) => network.Reach<ICopier>(address, id.Value, FailureCode.NodeUnreachable, AnswerTime), node.Id);

    public ICollector Collector(NodeRef node) =>
        collectors.GetOrAdd(node.Address, (address, id) => network.Reach<ICollector>(address, id.Value, FailureCode.NodeUnreachable, AnswerTime), node.Id);
}
