using System.Runtime.CompilerServices;
using Backup.Protocol;

namespace Backup.Client;

/// <summary>What the cluster has stored for the client, page by page.</summary>
internal static class Listing
{
    /// <summary>A folder that is hardly anybody's: what lies in none need not be looked at to say so.</summary>
    private const string NoFolder = "\U0010FFFF/";

    /// <summary>Changes whenever anything of the client is stored. One cheap call.</summary>
    public static async Task<long> SequenceAsync(this ClusterConnection cluster, CancellationToken ct) =>
        (await cluster.AskAsync(node => node.ListAsync(cluster.Client, new ListRequest(NoFolder, null, 1), ct), ct)).Sequence;

    /// <summary>
    /// All files whose paths start with the prefix, in the order of their paths. The cluster lists encrypted names in another
    /// order: where the client encrypts, all of them are held here to be sorted, some 500 bytes each.
    /// </summary>
    public static async IAsyncEnumerable<FileVersion> ListAsync(
        this ClusterConnection cluster, string prefix, long? asOfMs, [EnumeratorCancellation] CancellationToken ct)
    {
        var files = cluster.ListUnsortedAsync(prefix, asOfMs, ct);
        if (cluster.Cipher is not null)
            files = files.OrderBy(file => file.Path.Value, PathOrder.Instance);
        await foreach (var file in files)
            yield return file;
    }

    /// <summary>The same in whatever order the cluster has them.</summary>
    public static async IAsyncEnumerable<FileVersion> ListUnsortedAsync(
        this ClusterConnection cluster, string prefix, long? asOfMs, [EnumeratorCancellation] CancellationToken ct)
    {
        string? after = null;
        do
        {
            var request = new ListRequest(prefix, after, Limits.ListPageMax, asOfMs);
            var page = await cluster.AskAsync(node => node.ListAsync(cluster.Client, request, ct), ct);
            foreach (var file in page.Files)
                yield return file;
            after = page.Next;
        }
        while (after is not null);
    }

    /// <summary>The file of this path and all below it: what a person means by a path. The empty path means everything.</summary>
    public static async IAsyncEnumerable<FileVersion> ListTreeAsync(
        this ClusterConnection cluster, string path, long? asOfMs, [EnumeratorCancellation] CancellationToken ct)
    {
        if (path.Length > 0)
        {
            var reply = await cluster.AskAsync(node => node.LookupAsync(cluster.Client, new LookupRequest([RootedPath.Parse(path)], asOfMs), ct), ct);
            if (reply.Files[0] is { } file)
                yield return file;
        }
        await foreach (var file in cluster.ListAsync(path.Length > 0 ? path + "/" : "", asOfMs, ct))
            yield return file;
    }
}
