using System.Runtime.CompilerServices;
using Backup.Protocol;

namespace Backup.Client;

/// <summary>What became of a path between two moments.</summary>
internal enum TreeChangeKind
{
    Added,
    Deleted,

    /// <summary>Other content, or a file where a folder was.</summary>
    Changed,

    /// <summary>The same content with another mode or mtime.</summary>
    Attributes,
}

/// <param name="Before">Null when there was nothing.</param>
/// <param name="After">Null when there is nothing any more.</param>
internal readonly record struct TreeChange(TreeChangeKind Kind, FileVersion? Before, FileVersion? After)
{
    public FileVersion Any => After ?? Before!;
}

/// <summary>Compares two listings, both in the order of their paths, in one pass that keeps neither.</summary>
internal static class TreeDiff
{
    public static async IAsyncEnumerable<TreeChange> CompareAsync(
        IAsyncEnumerable<FileVersion> before, IAsyncEnumerable<FileVersion> after, [EnumeratorCancellation] CancellationToken ct)
    {
        await using var old = before.GetAsyncEnumerator(ct);
        await using var now = after.GetAsyncEnumerator(ct);
        var (hasOld, hasNow) = (await old.MoveNextAsync(), await now.MoveNextAsync());
        while (hasOld || hasNow)
        {
            var order = !hasOld ? 1 : !hasNow ? -1 : PathOrder.Compare(old.Current.Path, now.Current.Path);
            if (order < 0)
                yield return new TreeChange(TreeChangeKind.Deleted, old.Current, null);
            else if (order > 0)
                yield return new TreeChange(TreeChangeKind.Added, null, now.Current);
            else if (Judge(old.Current, now.Current) is { } kind)
                yield return new TreeChange(kind, old.Current, now.Current);
            if (order <= 0)
                hasOld = await old.MoveNextAsync();
            if (order >= 0)
                hasNow = await now.MoveNextAsync();
        }
    }

    /// <summary>A folder's mtime moves with everything in it: it says nothing that the rest does not say.</summary>
    private static TreeChangeKind? Judge(FileVersion before, FileVersion after) =>
        before.Version == after.Version ? null
        : before.Kind != after.Kind || before.Digest != after.Digest || before.SizeBytes != after.SizeBytes ? TreeChangeKind.Changed
        : before.Mode != after.Mode || (before.MtimeNs != after.MtimeNs && before.Kind != VersionKind.Folder) ? TreeChangeKind.Attributes
        : null;
}
