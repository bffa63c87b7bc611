using Backup.Protocol;

namespace Backup.Client;

/// <summary>Versions in lines, for the commands and the menu alike.</summary>
internal static class VersionText
{
    private const int DigestShown = 12;

    public static TextTable Table(IEnumerable<FileVersion> versions, TimeProvider time)
    {
        var table = new TextTable(">version", "time", ">size", "digest", "nodes");
        foreach (var version in versions)
        {
            var isGone = version.Kind == VersionKind.Tombstone;
            table.Add(version.Version.ToString(), Times.Show(version.TimeMs, time), isGone ? "deleted" : Sizes.Bytes(version.SizeBytes),
                isGone ? "" : version.Digest.ToString()[..DigestShown], string.Join(", ", version.Nodes) + (version.CopiesOwed > 0 ? $" ({version.CopiesOwed} owed)" : ""));
        }
        return table;
    }

    /// <summary>One line of a listing: size, time, name.</summary>
    public static string Listed(FileVersion file, TimeProvider time) =>
        $"{(file.Kind == VersionKind.Folder ? "" : Sizes.Bytes(file.SizeBytes)),8}  {Times.Show(file.TimeMs, time)}  {Sizes.Name(file.Path, file.Kind)}{(file.CopiesOwed > 0 ? "  (copies owed)" : "")}";

    /// <summary>All that is known of one version and where its copies lie.</summary>
    /// <param name="copies">What the nodes say of them, in the order of the file's nodes.</param>
    public static IEnumerable<string> Where(FileVersion file, NodeRef[] nodes, CopyState?[] copies, TimeProvider time)
    {
        yield return Sizes.Name(file.Path, file.Kind);
        yield return $"  version  {file.Version}";
        yield return $"  stored   {Times.Show(file.TimeMs, time)}";
        yield return $"  size     {Sizes.Bytes(file.SizeBytes)} ({file.SizeBytes} bytes)";
        yield return $"  digest   {file.Digest}";
        for (var i = 0; i < file.Nodes.Length; i++)
        {
            var at = nodes.FirstOrDefault(node => node.Id == file.Nodes[i])?.Address.ToString() ?? "not reachable now";
            yield return $"  {(i == 0 ? "primary" : "replica"),-7}  {file.Nodes[i]}  {at}  {State(copies[i], file.TimeMs, time)}";
        }
        yield return $"  owed     {Sizes.Count(file.CopiesOwed, "copy", "copies")}";
        if (file.TraceId is { } trace)
            yield return $"  trace    {trace}";
    }

    private static string State(CopyState? copy, long storedMs, TimeProvider time) => copy switch
    {
        null => "cannot be asked now",
        { Damaged: true } => "damaged",
        { Held: false } => "not there",
        { VerifiedMs: { } at } when at < storedMs => "not verified since it was stored",
        { VerifiedMs: { } at } => $"verified {Times.Show(at, time)}",
        _ => "there",
    };
}
