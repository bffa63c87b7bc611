using Backup.Protocol;

namespace Backup.Manager;

/// <summary>Counts again what the loads must be (I4): files of which a node holds any version, and places reserved on it. Folders and tombstones do not count.</summary>
public static class Recount
{
    /// <param name="files">The versions of each file.</param>
    /// <param name="reservations">Entries of all reservations: their last field names the nodes that were counted.</param>
    public static Dictionary<NodeId, long> Loads(IEnumerable<IReadOnlyList<FileVersion>> files, IEnumerable<string> reservations)
    {
        var loads = new Dictionary<NodeId, long>();
        var held = files.SelectMany(versions => versions.Where(version => version.Kind is VersionKind.File or VersionKind.Symlink).SelectMany(version => version.Nodes).Distinct());
        var reserved = reservations.SelectMany(entry => FileLines.Names(entry[(entry.LastIndexOf(' ') + 1)..])).Select(name => NodeId.Parse(name));
        foreach (var node in held.Concat(reserved))
            loads[node] = loads.GetValueOrDefault(node) + 1;
        return loads;
    }
}
