using System.Globalization;
using System.Text.RegularExpressions;
using Backup.Protocol;

namespace Backup.Manager;

/// <summary>One node's copy of a version, as its inventory tells it.</summary>
public sealed record FoundCopy(NodeId Node, HeldManifest Manifest);

/// <summary>A version as the nodes hold it: what its line in the metadata is made of.</summary>
/// <param name="Holders">The nodes that are to count as its copies, primary first.</param>
public sealed partial record FoundVersion(ClientId Client, ManifestHead Head, NodeId[] Holders, ChunkId? FirstChunk)
{
    /// <summary>
    /// What the copies of one version say together. Where manifests differ in where they were placed, the one of the highest epoch
    /// counts: copies were made, or placed anew, since the others. Its nodes come first, those that hold it; where they
    /// are fewer than wanted, others that hold it too. Nodes beyond that hold leftovers. Where there are whole copies, those that lack something say nothing.
    /// </summary>
    /// <param name="wanted">Copies that the policy asks for.</param>
    /// <returns>Null when it says something that no committed version says.</returns>
    public static FoundVersion? Of(IReadOnlyList<FoundCopy> copies, int wanted)
    {
        if (copies.Any(copy => !copy.Manifest.IsPartial))
            copies = [.. copies.Where(copy => !copy.Manifest.IsPartial)];
        var newest = copies.MaxBy(copy => copy.Manifest.Head.Epoch)!.Manifest;
        var head = newest.Head;
        if (head.Version < 1 || head.SizeBytes < 0 || head.TimeMs < 0 || head.Epoch < 0 || !Enum.IsDefined(head.Kind) || head.Mode is < 0 or > 0xFFFF)
            return null;
        var holding = copies.Where(copy => copy.Manifest.Head.HasContentOf(head)).Select(copy => copy.Node).ToHashSet();
        var named = head.Nodes.Where(holding.Contains).Distinct().ToList();
        var others = holding.Except(named).Order().Take(Math.Max(0, wanted - named.Count));
        return new FoundVersion(newest.Client, head, [.. named, .. others], newest.FirstChunk);
    }

    /// <summary>As merge-versions takes it.</summary>
    /// <param name="file">Index of its file.</param>
    /// <param name="hint">Index of the key of its first chunk, or 0.</param>
    public string ToArgument(int file, int hint) => string.Create(CultureInfo.InvariantCulture,
        $"{file} {Head.Version} {Head.TimeMs} {(byte)Head.Kind} {Head.SizeBytes} {Head.Digest} {Head.MtimeNs} {Head.Mode} {Head.Epoch} {FileLines.Join(Holders)} {FileLines.Join(Head.Nodes)} {Trace} {hint}");

    private string Trace => Head.TraceId is { } trace && TraceShape().IsMatch(trace) ? trace : FileLines.NoTrace;

    [GeneratedRegex(@"^[A-Za-z0-9]{1,64}\z", RegexOptions.CultureInvariant)]
    private static partial Regex TraceShape();
}
