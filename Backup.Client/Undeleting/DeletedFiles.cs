using System.Runtime.CompilerServices;
using Backup.Protocol;

namespace Backup.Client;

/// <summary>Finds what of a path is deleted, and the versions it had before.</summary>
/// <param name="asOfMs">The moment to bring back; null for the last before the deletion.</param>
internal sealed class DeletedFiles(ClusterConnection cluster, long? asOfMs)
{
    /// <exception cref="FailureException">The path was never stored, or is not deleted.</exception>
    public async IAsyncEnumerable<FileVersion> OfAsync(RootedPath path, [EnumeratorCancellation] CancellationToken ct)
    {
        var at = asOfMs;
        if (at is null)
        {
            var (last, deletedMs) = await LastAsync(path, ct);
            if (last.Kind != VersionKind.Folder)
            {
                yield return last;
                yield break;
            }
            // A folder's deletion is recorded before that of what is in it.
            yield return last;
            at = deletedMs - 1;
        }
        var found = asOfMs is null;
        var some = new List<FileVersion>();
        await foreach (var file in cluster.ListTreeAsync(path.Value, at, ct))
        {
            found = true;
            if (asOfMs is null && file.Path == path)
                continue;
            some.Add(file);
            if (some.Count < Limits.FilesPerCallMax)
                continue;
            foreach (var gone in await GoneAsync(some, ct))
                yield return gone;
            some.Clear();
        }
        if (!found)
            throw Failure.NotFound($"'{path.Display}' at that time").Exception();
        foreach (var gone in await GoneAsync(some, ct))
            yield return gone;
    }

    private async Task<(FileVersion Last, long DeletedMs)> LastAsync(RootedPath path, CancellationToken ct)
    {
        var versions = (await cluster.AskAsync(node => node.VersionsAsync(cluster.Client, new VersionsRequest(path), ct), ct)).Versions;
        var last = Array.FindLastIndex(versions, version => version.Kind != VersionKind.Tombstone);
        if (last < 0)
            throw Failure.NotFound($"'{path.Display}'").Exception();
        if (last == versions.Length - 1)
            throw new Failure(FailureCode.AlreadyExists, $"'{path.Display}' is not deleted.", "client",
                "`restore` brings its content; with --as-of TIME, `undelete` brings back what was deleted in a folder since then.").Exception();
        return (versions[last], versions[last + 1].TimeMs);
    }

    private async Task<IEnumerable<FileVersion>> GoneAsync(List<FileVersion> then, CancellationToken ct)
    {
        if (then.Count == 0)
            return [];
        var request = new LookupRequest([.. then.Select(file => file.Path)]);
        var now = (await cluster.AskAsync(node => node.LookupAsync(cluster.Client, request, ct), ct)).Files;
        return [.. then.Where((_, i) => now[i] is null)];
    }
}
