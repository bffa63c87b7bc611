using System.CommandLine;
using Backup.Protocol;

namespace Backup.Client;

/// <summary><c>snapshot create NAME</c></summary>
internal sealed class SnapshotCreateCommand : CommandLineCommand
{
    private readonly Argument<string> name = new("NAME") { Description = "Up to 100 letters, digits and any of - _ . : +" };
    private readonly Option<string?> at = new("--at") { Description = "That moment instead of now: " + Times.Help, HelpName = "TIME" };
    private readonly Option<string?> pinUntil = new("--pin-until") { Description = "Until then nobody removes it: " + Times.UntilHelp, HelpName = "TIME" };

    public SnapshotCreateCommand() : base("create", "Give a moment a name", """
        Examples:
          Backup.Client snapshot create release-1
          Backup.Client snapshot create before-it-broke --at '2 hours ago'
          Backup.Client snapshot create audit --pin-until 2027-12-31

        A snapshot with a name you gave stays until you delete it. A pin cannot be
        shortened; create it again with a later --pin-until to pin it longer.
        """)
    {
        Add(name);
        Add(at);
        Add(pinUntil);
    }

    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        long? atMs = run.Parsed.GetValue(at) is { } text ? Times.Parse(text, run.Time) : null;
        long? untilMs = run.Parsed.GetValue(pinUntil) is { } until ? Times.ParseUntil(until, run.Time) : null;
        var snapshot = await Snapshots.NameAsync(run.Session, run.Parsed.GetRequiredValue(name), atMs, untilMs, ct);
        run.Report.Json(SnapshotShape.Of(snapshot), OutputJson.Default.SnapshotShape);
        run.Report.Summary($"snapshot {RootedPath.Escape(snapshot.Name)} is as of {run.Show(snapshot.TimeMs)}"
            + (snapshot.PinnedUntilMs is { } pinned ? $", pinned until {run.Show(pinned)}" : ""));
        return ExitCode.Done;
    }
}
