using System.Runtime.CompilerServices;
using Backup.Protocol;

namespace Backup.Client;

/// <summary>The stored versions that paths, a time and a version number mean. It may be gone through more than once.</summary>
/// <param name="paths">Inside the root; none, or the empty path, means everything.</param>
internal sealed class Selection(ClusterConnection cluster, IReadOnlyList<string> paths, long? asOfMs, long? version)
{
    /// <exception cref="FailureException">A path, or the version, is not stored.</exception>
    public async IAsyncEnumerable<FileVersion> FilesAsync([EnumeratorCancellation] CancellationToken ct)
    {
        if (version is { } number)
        {
            yield return await VersionAsync(number, ct);
            yield break;
        }
        foreach (var path in Outermost())
        {
            var found = false;
            await foreach (var file in cluster.ListTreeAsync(path, asOfMs, ct))
            {
                found = true;
                yield return file;
            }
            if (!found && path.Length > 0)
                throw Failure.NotFound($"'{RootedPath.Escape(path)}'{(asOfMs is null ? "" : " at that time")}").Exception();
        }
    }

    /// <summary>A path inside another one named stands there already.</summary>
    private IEnumerable<string> Outermost()
    {
        if (paths.Count == 0 || paths.Contains(""))
            return [""];
        return paths.Distinct().Where(path => !paths.Any(other => path.StartsWith(other + "/", StringComparison.Ordinal)));
    }

    private async Task<FileVersion> VersionAsync(long number, CancellationToken ct)
    {
        if (paths is not [{ Length: > 0 } path] || asOfMs is not null)
            throw Failure.InvalidRequest("A version number goes with one path, and with no time.").Exception();
        var rooted = RootedPath.Parse(path);
        var reply = await cluster.AskAsync(node => node.VersionsAsync(cluster.Client, new VersionsRequest(rooted), ct), ct);
        var found = reply.Versions.FirstOrDefault(v => v.Version == number) ?? throw Failure.NotFound($"Version {number} of '{rooted.Display}'").Exception();
        return found.Kind != VersionKind.Tombstone ? found
            : throw Failure.NotFound($"At version {number}, '{rooted.Display}' was deleted; content").Exception();
    }
}
