using System.CommandLine;
using Backup.Protocol;

namespace Backup.Client;

/// <summary><c>snapshot delete NAME</c></summary>
internal sealed class SnapshotDeleteCommand : CommandLineCommand
{
    private readonly Argument<string> name = new("NAME") { Description = "A snapshot's name" };

    public SnapshotDeleteCommand() : base("delete", "Take a snapshot's name away", """
        Examples:
          Backup.Client snapshot delete release-1

        The versions it showed stay until `retention apply` finds that nothing shows
        them any more. A pinned snapshot is not deleted.
        """) => Add(name);

    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var gone = run.Parsed.GetRequiredValue(name);
        await Snapshots.DeleteAsync(run.Session, gone, ct);
        run.Report.Json(new SnapshotDeletedShape(gone), OutputJson.Default.SnapshotDeletedShape);
        run.Report.Summary($"deleted snapshot {RootedPath.Escape(gone)}");
        return ExitCode.Done;
    }
}
