namespace Backup.Client;

/// <summary><c>snapshot list</c></summary>
internal sealed class SnapshotListCommand() : CommandLineCommand("list", "List the snapshots, the oldest first", """
    Examples:
      Backup.Client snapshot list
      Backup.Client restore --to /tmp/old --as-of 2026-11-24T04.30.05Z

    Each backup of the whole root that stores or deletes something makes one, named
    after its time; retention drops those in time.
    """)
{
    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var snapshots = await run.Session.ConnectToRead().SnapshotsAsync(ct);
        foreach (var snapshot in snapshots)
            run.Report.Json(SnapshotShape.Of(snapshot), OutputJson.Default.SnapshotShape);
        if (snapshots.Length == 0)
            run.Report.Note("There are no snapshots.");
        else
        {
            foreach (var line in RetentionText.Snapshots(snapshots, run.Time))
                run.Report.Line(line);
        }
        return ExitCode.Done;
    }
}
