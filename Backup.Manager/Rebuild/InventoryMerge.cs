using Backup.Protocol;

namespace Backup.Manager;

/// <summary>
/// Reads the inventories of some nodes side by side, each in the order of clients and versions, and gives out each version once with
/// all who hold it. What is in memory is a page of each node, however much they hold.
/// </summary>
public sealed class InventoryMerge(IReadOnlyCollection<(NodeId Node, IInventory Inventory)> nodes)
{
    private readonly List<Source> sources = [.. nodes.Select(node => new Source(node.Node, node.Inventory))];

    /// <summary>Nodes that have not been read to their end.</summary>
    public NodeId[] Left => [.. sources.Where(source => !source.IsAtEnd).Select(source => source.Node)];

    /// <summary>The newest moments that any of the nodes keeps of each client; complete once versions are given out.</summary>
    public IEnumerable<ClientMoments> Moments => sources.SelectMany(source => source.Moments).GroupBy(kept => kept.Client).Select(kept => kept.MaxBy(one => one.Moments)!);

    /// <summary>The next versions of one client, at most so many; empty at the end.</summary>
    /// <exception cref="FailureException">A node did not answer. The same call may be made again, or the node given up.</exception>
    public async Task<List<IReadOnlyList<FoundCopy>>> NextAsync(int most, CancellationToken ct)
    {
        var versions = new List<IReadOnlyList<FoundCopy>>();
        ClientId? client = null;
        while (versions.Count < most)
        {
            // What was taken is given out before a node that does not answer is asked again.
            if (versions.Count > 0 && sources.Exists(source => source.IsEmpty))
                break;
            await Task.WhenAll(sources.Where(source => source.IsEmpty).Select(source => source.FillAsync(ct)));
            var ahead = sources.Where(source => !source.IsAtEnd).ToList();
            if (ahead.Count == 0)
                break;
            var first = ahead.Select(source => source.Peek).Min(Order)!;
            if (client is { } one && one != first.Client)
                break;
            client = first.Client;
            versions.Add([.. ahead.Where(source => Order.Compare(source.Peek, first) == 0).Select(source => new FoundCopy(source.Node, source.Take()))]);
        }
        return versions;
    }

    /// <summary>Goes on without a node: what only it holds is merged when it comes back.</summary>
    public void GiveUp(NodeId node) => sources.RemoveAll(source => source.Node == node);

    private static readonly Comparer<HeldManifest> Order = Comparer<HeldManifest>.Create((left, right) =>
    {
        var client = left.Client == right.Client ? 0 : string.CompareOrdinal(left.Client.ToString(), right.Client.ToString());
        return client != 0 ? client : left.Head.Version.CompareTo(right.Head.Version);
    });

    private sealed class Source(NodeId node, IInventory inventory)
    {
        private readonly Queue<HeldManifest> page = new();
        private InventoryPlace? after;
        private bool wasLast;

        public NodeId Node => node;

        public ClientMoments[] Moments { get; private set; } = [];

        public bool IsEmpty => page.Count == 0 && !wasLast;

        public bool IsAtEnd => page.Count == 0 && wasLast;

        public HeldManifest Peek => page.Peek();

        public HeldManifest Take() => page.Dequeue();

        public async Task FillAsync(CancellationToken ct)
        {
            // A page may be empty though others follow: all of it was damaged.
            while (IsEmpty)
            {
                var reply = await inventory.InventoryAsync(new InventoryRequest(Limits.ListPageMax, after), ct);
                Moments = reply.Moments ?? Moments;
                foreach (var held in reply.Held)
                    page.Enqueue(held);
                (after, wasLast) = (reply.Next, reply.Next is null);
            }
        }
    }
}
