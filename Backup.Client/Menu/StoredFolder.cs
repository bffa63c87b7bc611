using Backup.Protocol;

namespace Backup.Client;

/// <summary>A name in a stored folder: a folder below it when <paramref name="File"/> is null.</summary>
internal sealed record StoredEntry(string Path, FileVersion? File)
{
    public string Name => Path[(Path.LastIndexOf('/') + 1)..];
}

/// <summary>One folder of what is stored, without what lies deeper: a person looks at one level.</summary>
internal static class StoredFolder
{
    /// <summary>More than a person looks through; the filter of a picker helps up to here.</summary>
    private const int EntriesMax = 10_000;

    public static async Task<List<StoredEntry>> ReadAsync(ClusterConnection cluster, string folder, long? asOfMs, CancellationToken ct)
    {
        var prefix = folder.Length == 0 ? "" : folder + "/";
        var entries = new List<StoredEntry>();
        var folders = new HashSet<string>();
        string? after = null;
        do
        {
            var request = new ListRequest(prefix, after, Limits.ListPageMax, asOfMs, OneLevel: true);
            var page = await cluster.AskAsync(node => node.ListAsync(cluster.Client, request, ct), ct);
            after = page.Next;
            foreach (var file in page.Files)
            {
                var slash = file.Path.Value.IndexOf('/', prefix.Length);
                var below = slash < 0 ? null : file.Path.Value[..slash];
                // A folder is stored by itself and has content besides: it is one entry.
                var isFolder = below is not null || file.Kind == VersionKind.Folder;
                if (!isFolder || folders.Add(below ?? file.Path.Value))
                    entries.Add(new StoredEntry(below ?? file.Path.Value, isFolder ? null : file));
            }
        }
        while (after is not null && entries.Count < EntriesMax);
        // Encrypted names come in an order of their own.
        return cluster.Cipher is null ? entries : [.. entries.OrderBy(entry => entry.Path, PathOrder.Instance)];
    }
}
