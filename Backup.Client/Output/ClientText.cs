using Backup.Protocol;

namespace Backup.Client;

/// <summary>What clients did, in lines.</summary>
internal static class ClientText
{
    public static IEnumerable<string> Lines(IReadOnlyList<ClientStanding> clients, TimeProvider time)
    {
        foreach (var client in clients.Where(client => client.IsAlarming))
            yield return Alarm(client, time);
        if (clients.Count == 0)
            yield break;
        var table = new TextTable("client", "last backup", ">usually", "last drill", ">stores", "state");
        foreach (var client in clients)
        {
            table.Add(client.Client.ToString(), client.LastBackupMs is { } at ? Times.Show(at, time) : "none", client.UsualMs is { } usual ? Sizes.Time(TimeSpan.FromMilliseconds(usual)) : "",
                client.LastDrill is { } drill ? $"{Times.Show(drill.ToldMs, time)}, {(drill.Report.Counts.Failed == 0 ? "good" : $"{drill.Report.Counts.Failed} bad")}" : "none",
                Space(client), State(client));
        }
        foreach (var line in table.Lines())
            yield return line;
    }

    public static IEnumerable<string> Runs(IReadOnlyList<ClientRun> runs, TimeProvider time)
    {
        var table = new TextTable("when", "what", "how", ">new", ">changed", ">deleted", ">same", ">bad", ">sent", "took");
        foreach (var run in runs)
        {
            var (report, counts) = (run.Report, run.Report.Counts);
            table.Add(Times.Show(run.ToldMs, time), report.Kind.ToString().ToLowerInvariant(), report.Outcome.ToString().ToLowerInvariant(), counts.Added.ToString(), counts.Changed.ToString(),
                counts.Deleted.ToString(), counts.Same.ToString(), counts.Failed.ToString(), Sizes.Bytes(counts.BytesSent), Sizes.Time(TimeSpan.FromMilliseconds(report.ElapsedMs)));
        }
        return table.Lines();
    }

    /// <summary>"1.2 GiB", "1.2 GiB of 100 GiB".</summary>
    public static string Space(ClientStanding client) => Sizes.Bytes(client.StoredBytes ?? 0) + (client.QuotaBytes is { } quota ? $" of {Sizes.Bytes(quota)}" : "");

    public static string State(ClientStanding client) => client.Unusual is not null ? "strange" : client.OverdueSinceMs is not null ? "overdue" : "fine";

    public static string Alarm(ClientStanding client, TimeProvider time) => client.Unusual is { } unusual
        ? $"strange: the backup of {client.Client} at {Times.Show(unusual.AtMs, time)} changed or deleted {unusual.Touched} of {Sizes.Count(unusual.Files, "file")}; at most {unusual.UsualPercent} % is usual. Retention pauses for it."
        : $"overdue: no backup of {client.Client} since {Times.Show(client.LastBackupMs ?? 0, time)}; usually one comes within {Sizes.Time(TimeSpan.FromMilliseconds(client.UsualMs ?? 0))}";
}

/// <summary>A client as `cluster clients` prints it.</summary>
/// <param name="State">"fine", "overdue", or "strange" when its last backup changed strangely much.</param>
internal sealed record ClientShape(
    string Client, string State, string? LastBackup, long? UsualMs, string? Due, string? OverdueSince, UnusualShape? Unusual, RunShape? LastDrill,
    long? StoredBytes, long? QuotaBytes)
{
    public static ClientShape Of(ClientStanding client) => new(client.Client.ToString(), ClientText.State(client),
        Iso(client.LastBackupMs), client.UsualMs, Iso(client.DueMs), Iso(client.OverdueSinceMs),
        client.Unusual is { } unusual ? new UnusualShape(Times.Iso(unusual.AtMs), unusual.Files, unusual.Touched, unusual.UsualPercent) : null,
        client.LastDrill is { } drill ? RunShape.Of(drill) : null, client.StoredBytes, client.QuotaBytes);

    private static string? Iso(long? ms) => ms is { } at ? Times.Iso(at) : null;
}

internal sealed record UnusualShape(string Time, long Files, long Touched, int UsualPercent);

/// <summary>A run as `runs` prints it.</summary>
internal sealed record RunShape(
    string Id, string Kind, string Outcome, string Told, long ElapsedMs, bool Whole, long Added, long Changed, long Deleted, long Same, long Failed, long BytesRead, long BytesSent,
    string? TraceId, string? Message)
{
    public static RunShape Of(ClientRun run) => new(run.Report.Id, run.Report.Kind.ToString().ToLowerInvariant(), run.Report.Outcome.ToString().ToLowerInvariant(), Times.Iso(run.ToldMs),
        run.Report.ElapsedMs, run.Report.Whole, run.Report.Counts.Added, run.Report.Counts.Changed, run.Report.Counts.Deleted, run.Report.Counts.Same,
        run.Report.Counts.Failed, run.Report.Counts.BytesRead, run.Report.Counts.BytesSent, run.Report.TraceId, run.Report.Message);
}
