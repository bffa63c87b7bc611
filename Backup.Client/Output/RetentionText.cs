using Backup.Protocol;

namespace Backup.Client;

/// <summary>Snapshots and what a policy makes of them, in lines.</summary>
internal static class RetentionText
{
    public static IEnumerable<string> Snapshots(IReadOnlyList<Snapshot> snapshots, TimeProvider time)
    {
        if (snapshots.Count == 0)
            return ["There are no snapshots."];
        var table = new TextTable("name", "time", "made by", "pinned until");
        foreach (var snapshot in snapshots)
            table.Add(snapshot.Name, Times.Show(snapshot.TimeMs, time), MadeBy(snapshot), snapshot.PinnedUntilMs is { } until ? Times.Show(until, time) : "");
        return table.Lines();
    }

    public static IEnumerable<string> Lines(RetentionReply reply, bool applied, TimeProvider time)
    {
        var table = new TextTable("", "snapshot", "time", "why");
        var all = reply.Kept.Select(kept => (kept.Snapshot, Why: string.Join(", ", kept.Reasons), Fate: applied ? "kept" : "stays"))
            .Concat(reply.Dropped.Select(snapshot => (Snapshot: snapshot, Why: "", Fate: applied ? "dropped" : "goes")));
        foreach (var (snapshot, why, fate) in all.OrderBy(line => line.Snapshot.TimeMs))
            table.Add(fate, snapshot.Name, Times.Show(snapshot.TimeMs, time), why);
        if (reply.Kept.Length + reply.Dropped.Length > 0)
        {
            foreach (var line in table.Lines())
                yield return line;
        }
        yield return $"{(applied ? "kept" : "keeps")} {Sizes.Count(reply.Kept.Length, "snapshot")}; {(applied ? "dropped" : "drops")} "
            + $"{Sizes.Count(reply.Dropped.Length, "snapshot")} and {Sizes.Count(reply.Versions, "version")} of {Sizes.Bytes(reply.Bytes)}";
        if (reply.UndoUntilMs > 0)
            yield return $"`retention undo` brings them back until {Times.Show(reply.UndoUntilMs, time)}";
    }

    public static string Undone(UndoReply reply) =>
        $"brought back {Sizes.Count(reply.Snapshots.Length, "snapshot")} and {Sizes.Count(reply.Versions, "version")}";

    private static string MadeBy(Snapshot snapshot) => snapshot.Automatic ? "backup" : "name";
}
