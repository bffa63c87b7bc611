using Backup.Protocol;

namespace Backup.Client;

/// <summary>What a verification came to, by node and in a word.</summary>
internal static class VerifyText
{
    public static string Problem(CopyProblem problem) =>
        $"{Word(problem.Finding)}: {problem.Path.Display} version {problem.Version} on {problem.Node}: {RootedPath.Escape(problem.Why)}";

    public static IEnumerable<string> Lines(VerifySummary summary, TimeProvider time)
    {
        var table = new TextTable("node", ">copies", ">good", ">missing", ">damaged", ">unknown", summary.ReadData ? ">read" : "verified since");
        foreach (var (node, tally) in summary.Nodes)
        {
            table.Add(node, tally.Copies.ToString(), tally[CopyFinding.Good].ToString(), tally[CopyFinding.Missing].ToString(), tally[CopyFinding.Damaged].ToString(),
                tally[CopyFinding.Unknown].ToString(), summary.ReadData ? Sizes.Bytes(tally.Bytes) : tally.OldestVerifiedMs is { } oldest ? Times.Show(oldest, time) : "");
        }
        foreach (var line in table.Lines())
            yield return line;
        var copies = summary.Nodes.Values.Sum(tally => tally.Copies);
        var seconds = summary.ElapsedMs / 1000.0;
        yield return $"{(summary.Bad == 0 ? "all" : $"{copies - summary.Bad} of")} {Sizes.Count(copies, "copy", "copies")} of {Sizes.Count(summary.Files, "version")} "
            + (summary.ReadData ? $"read and good, {Sizes.Bytes(summary.BytesRead)} in {Sizes.Time(TimeSpan.FromSeconds(seconds))}, {Sizes.Bytes((long)(summary.BytesRead / Math.Max(seconds, 0.001)))}/s"
                : "good as their nodes say; --read-data reads them");
        if (summary.Owed > 0)
            yield return $"{Sizes.Count(summary.Owed, "copy is", "copies are")} owed; the cluster makes them by itself";
        if (summary.Lost > 0)
            yield return $"{Sizes.Count(summary.Lost, "version has", "versions have")} no copy that was found good";
    }

    private static string Word(CopyFinding finding) => finding.ToString().ToLowerInvariant();
}

internal sealed record CopyProblemShape(string Path, long Version, string Node, string State, string Why)
{
    public static CopyProblemShape Of(CopyProblem problem) => new(problem.Path.Value, problem.Version, problem.Node.Value, problem.Finding.ToString().ToLowerInvariant(), problem.Why);
}

internal sealed record NodeTallyShape(string Node, long Copies, long Good, long Missing, long Damaged, long Unknown, long Bytes, string? OldestVerified);

internal sealed record VerifyShape(bool ReadData, long Files, long Owed, long Lost, long Bad, long BytesRead, long ElapsedMs, NodeTallyShape[] Nodes, CopyProblemShape[] Problems)
{
    public static VerifyShape Of(VerifySummary summary) => new(summary.ReadData, summary.Files, summary.Owed, summary.Lost, summary.Bad, summary.BytesRead, summary.ElapsedMs,
        [.. summary.Nodes.Select(node => new NodeTallyShape(node.Key, node.Value.Copies, node.Value[CopyFinding.Good], node.Value[CopyFinding.Missing],
            node.Value[CopyFinding.Damaged], node.Value[CopyFinding.Unknown], node.Value.Bytes, node.Value.OldestVerifiedMs is { } oldest ? Times.Iso(oldest) : null))],
        [.. summary.Problems.Select(CopyProblemShape.Of)]);
}
