using System.Collections.Concurrent;
using Backup.Protocol;

namespace Backup.Storage.Membership;

/// <summary>
/// What this node knows of the cluster: its own epoch and where its peers are. Peers are known by id from the manager,
/// never from a request, so that nobody can have a node connect to where he likes. Heartbeats bring the news; of a peer that
/// registered since the last one the manager is asked.
/// </summary>
public sealed class Peers(NodeId self, ICatalogue catalogue, TimeProvider? time = null, Network? network = null)
{
    private readonly ConcurrentDictionary<Uri, IReplica> replicas = new();
    private readonly ConcurrentDictionary<Uri, IRecordSource> sources = new();
    private readonly Network network = network ?? Network.Real;
    private readonly NodeClients nodes = new(network);
    private readonly TimeProvider time = time ?? TimeProvider.System;
    private volatile Dictionary<NodeId, Uri> addresses = [];
    private long epoch;
    private long renewed;

    public NodeId Self => self;

    /// <summary>0 until the manager has registered this node.</summary>
    public long Epoch => Interlocked.Read(ref epoch);

    /// <summary>Connections to nodes, shared by all that goes out from here.</summary>
    public NodeClients Connections => nodes;

    /// <summary>The nodes of the cluster, as far as this one has heard of them.</summary>
    public IReadOnlyCollection<NodeId> Known => addresses.Keys;

    public void Update(IEnumerable<NodeRef> peers) => addresses = peers.ToDictionary(p => p.Id, p => p.Address);

    public void EnterEpoch(long entered) => Interlocked.Exchange(ref epoch, entered);

    /// <summary>The manager has just answered.</summary>
    public void Renew() => Interlocked.Exchange(ref renewed, time.GetTimestamp());

    /// <summary>How long ago the manager answered last; only after the first <see cref="Renew"/>.</summary>
    public TimeSpan SinceRenewed => time.GetElapsedTime(Interlocked.Read(ref renewed));

    /// <summary>Refuses work that was placed before this node's present life began: its place may be another's by now.</summary>
    public void CheckEpoch(long placed)
    {
        var now = Epoch;
        if (now == 0)
            throw new Failure(FailureCode.Busy, $"Node {self} is starting and not registered yet.", self.Value, "Try again in a moment.").Exception();
        if (placed < now)
            throw new Failure(FailureCode.StaleEpoch, $"The placement is of epoch {placed}; node {self} is in epoch {now}.", self.Value, "Place the file again.").Exception();
    }

    public async ValueTask<INode> NodeAsync(NodeId id, CancellationToken ct) => nodes.At(await AddressOfAsync(id, ct));

    public async ValueTask<IReplica> ReplicaAsync(NodeId id, CancellationToken ct) => replicas.GetOrAdd(
        await AddressOfAsync(id, ct), (address, culprit) => network.Reach<IReplica>(address, culprit.Value, FailureCode.ReplicaUnreachable), id);

    public async ValueTask<IRecordSource> SourceAsync(NodeId id, CancellationToken ct) => sources.GetOrAdd(
        await AddressOfAsync(id, ct), (address, culprit) => network.Reach<IRecordSource>(address, culprit.Value), id);

    private async ValueTask<Uri> AddressOfAsync(NodeId id, CancellationToken ct)
    {
        if (addresses.TryGetValue(id, out var known))
            return known;
        await LearnAsync(ct);
        return addresses.TryGetValue(id, out var address) ? address : throw Failure.Unreachable(id, "it has never registered").Exception();
    }

    /// <summary>Whose address it is. Nothing is signed for one that is no node's, whoever named it.</summary>
    public async ValueTask<string> NodeAtAsync(Uri uri, CancellationToken ct)
    {
        if (Find(uri) is { } known)
            return known.Value;
        await LearnAsync(ct);
        return Find(uri)?.Value ?? throw new Failure(FailureCode.NotFound, $"No node is registered at {uri.GetLeftPart(UriPartial.Authority)}.", self.Value, "Place the file again.").Exception();
    }

    private NodeId? Find(Uri uri)
    {
        foreach (var (id, address) in addresses)
        {
            if (address.Authority == uri.Authority)
                return id;
        }
        return null;
    }

    private async Task LearnAsync(CancellationToken ct) => Update((await catalogue.ClusterAsync(ct)).Nodes.Select(node => new NodeRef(node.Id, node.Address)));
}
