using Backup.Manager;
using Backup.Protocol;

namespace Backup.Tests.Manager;

/// <summary>What placing and committing do, in plain memory: <see cref="PlacementOrder"/> and some book-keeping.</summary>
public sealed class PlacementModel(int copies)
{
    public sealed class ModelNode
    {
        public required NodeId Id { get; init; }
        public string? Zone { get; init; }
        public long FreeBytes { get; set; }
        public bool Draining { get; set; }
        public bool Dead { get; set; }
        public bool TakesFiles => !Dead && !Draining && FreeBytes > 0;
    }

    public sealed record Reserved(long Version, NodeId[] Nodes, NodeId[] Counted);

    private sealed class ModelFile
    {
        public HashSet<NodeId> Holders { get; } = [];
        public SortedDictionary<long, NodeId[]> Versions { get; } = [];
    }

    private readonly Dictionary<string, ModelFile> files = [];
    private long lastVersion;

    public SortedDictionary<NodeId, ModelNode> Nodes { get; } = [];

    public Dictionary<NodeId, long> Loads { get; } = [];

    public Dictionary<string, Dictionary<string, Reserved>> Operations { get; } = [];

    /// <summary>Null when the cluster must refuse; then nothing has changed.</summary>
    public NodeId[][]? Place(string operation, IReadOnlyList<(string Path, long SizeBytes)> wanted, NodeId[] avoid)
    {
        var loadsBefore = new Dictionary<NodeId, long>(Loads);
        var versionBefore = lastVersion;
        var reserved = new Dictionary<string, Reserved>(Operations.GetValueOrDefault(operation) ?? []);
        var answer = new List<NodeId[]>();
        foreach (var (path, sizeBytes) in wanted)
        {
            var old = reserved.GetValueOrDefault(path);
            if (old is null || !old.Nodes.All(node => Takes(node, avoid)))
            {
                if (PlaceOne(path, sizeBytes, avoid, old) is not { } placed)
                {
                    Loads.Clear();
                    foreach (var (node, load) in loadsBefore)
                        Loads[node] = load;
                    lastVersion = versionBefore;
                    return null;
                }
                reserved[path] = placed;
            }
            answer.Add(reserved[path].Nodes);
        }
        Operations[operation] = reserved;
        return [.. answer];
    }

    public void Commit(string operation, IReadOnlyList<string> paths)
    {
        foreach (var path in paths)
        {
            Operations[operation].Remove(path, out var reserved);
            var file = files.TryGetValue(path, out var known) ? known : files[path] = new ModelFile();
            foreach (var node in reserved!.Counted)
                Loads[node]--;
            foreach (var node in reserved.Nodes.Where(file.Holders.Add))
                Loads[node]++;
            file.Versions[reserved.Version] = reserved.Nodes;
        }
    }

    private Reserved? PlaceOne(string path, long sizeBytes, NodeId[] avoid, Reserved? old)
    {
        foreach (var node in old?.Counted ?? [])
            Loads[node]--;
        files.TryGetValue(path, out var file);
        var newest = file?.Versions.Last().Value;
        var nodes = newest is not null && newest.All(node => Takes(node, avoid)) ? newest : null;
        if (nodes is null)
        {
            Candidate[] candidates = [.. Nodes.Values.Where(node => Takes(node.Id, avoid))
                .Select(node => new Candidate(node.Id, Loads[node.Id], node.FreeBytes, node.Zone))];
            var kept = (old?.Nodes ?? []).SelectMany(node => candidates.Where(candidate => candidate.Id == node));
            nodes = [.. PlacementOrder.Choose(candidates, copies, sizeBytes, kept).Select(node => node.Id)];
            if (nodes.Length < copies)
                return null;
        }
        NodeId[] counted = [.. nodes.Where(node => file?.Holders.Contains(node) != true)];
        foreach (var node in counted)
            Loads[node]++;
        return new Reserved(old?.Version ?? ++lastVersion, nodes, counted);
    }

    private bool Takes(NodeId node, NodeId[] avoid) => Nodes[node].TakesFiles && !avoid.Contains(node);
}
