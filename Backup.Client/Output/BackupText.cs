using Backup.Protocol;

namespace Backup.Client;

/// <summary>What a backup came to, in lines. A person who named files gets their receipts.</summary>
internal static class BackupText
{
    private const int ReceiptsShown = 20;

    public static IEnumerable<string> Lines(BackupSummary summary, bool withReceipts)
    {
        if (withReceipts && !summary.DryRun)
        {
            foreach (var receipt in summary.Receipts.Take(ReceiptsShown))
                yield return Receipt(receipt);
        }
        yield return Counts(summary);
        if (summary.DryRun)
            yield break;
        var seconds = summary.ElapsedMs / 1000.0;
        if (summary.BytesRead > 0)
            yield return $"read {Sizes.Bytes(summary.BytesRead)}, sent {Sizes.Bytes(summary.BytesSent)}, {Sizes.Bytes(summary.BytesDeduplicated)} were there already, "
                + $"{Sizes.Time(TimeSpan.FromSeconds(seconds))}, {Sizes.Bytes((long)(summary.BytesRead / Math.Max(seconds, 0.001)))}/s";
        if (summary.Nodes.Count > 0)
            yield return "copies: " + string.Join(", ", summary.Nodes.Select(node => $"{node.Value} on {node.Key}"));
        if (summary.CopiesOwed > 0)
            yield return $"{Sizes.Count(summary.CopiesOwed, "copy is", "copies are")} still owed; the cluster makes them by itself";
        if (summary.Snapshot is { } name)
            yield return $"snapshot: {name}";
        if (summary.LinksOutside > 0)
            yield return $"{Sizes.Count(summary.LinksOutside, "symlink leads", "symlinks lead")} out of the root: kept as links, what they lead to is not backed up (--verbose names them)";
        if (summary.Interrupted)
            yield return "stopped before the end: run the same command again to go on where it stopped";
        if (summary.Failed > 0)
            yield return $"{Sizes.Count(summary.Failed, "file was", "files were")} not backed up as they should be; they are named above";
    }

    /// <summary>"report.pdf  version 3  12 KiB  primary node-1, replica node-3".</summary>
    public static string Receipt(Receipt receipt) =>
        $"{Sizes.Name(receipt.Path, receipt.Kind)}  version {receipt.Version}  {Sizes.Bytes(receipt.SizeBytes)}  {Holders(receipt.Nodes)}"
        + (receipt.CopiesOwed > 0 ? $"  {Sizes.Count(receipt.CopiesOwed, "copy", "copies")} owed" : "");

    public static string Holders(IReadOnlyList<NodeId> nodes) => nodes.Count == 0 ? "nowhere"
        : $"primary {nodes[0]}" + (nodes.Count > 1 ? $", {(nodes.Count == 2 ? "replica" : "replicas")} {string.Join(", ", nodes.Skip(1))}" : "");

    public static string Counts(BackupSummary summary) =>
        $"{(summary.DryRun ? "would back up" : "backed up")} {Sizes.FilesAndFolders(summary.Stored, summary.Folders)}, {summary.Unchanged} unchanged, {summary.Deleted} deleted"
        + (summary.Failed > 0 ? $", {summary.Failed} with problems" : "");
}
