using System.CommandLine;
using Backup.Protocol;

namespace Backup.Client;

/// <summary><c>backup [PATH…]</c></summary>
internal sealed class BackupCommand : CommandLineCommand
{
    private readonly Argument<string[]> paths = new("PATH") { Description = "Files or folders inside the root; none means the whole root, deletions included", Arity = ArgumentArity.ZeroOrMore };
    private readonly Option<bool> dryRun = new("--dry-run", "-n") { Description = "Only say what would be sent" };
    private readonly Option<bool> rehash = new("--rehash") { Description = "Read every file instead of trusting sizes and times" };
    private readonly Option<bool> allowEmpty = new("--allow-empty") { Description = "Let an empty root mean that everything was deleted" };
    private readonly Option<string?> limit = LimitOption();

    public BackupCommand() : base("backup", "Back up the root, or named files and folders in it", """
        Examples:
          Backup.Client backup                      all that changed in the root
          Backup.Client backup report.pdf photos    a file and a folder
          Backup.Client --root ~/work backup -n     only say what would be sent

        A relative PATH is taken from the current folder where that lies inside the
        root, else from the root. What .backupignore in the root and "exclude" in
        backup.json name is left out.
        """)
    {
        Add(paths);
        Add(dryRun);
        Add(rehash);
        Add(allowEmpty);
        Add(limit);
    }

    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var request = new BackupRequest(run.Parsed.GetValue(paths) ?? [], run.Parsed.GetValue(dryRun), run.Parsed.GetValue(rehash), run.Parsed.GetValue(allowEmpty));
        run.Session.LimitTo(run.Parsed.GetValue(limit));
        var progress = run.Progress();
        var summary = await ProgressDisplay.ShowAsync(run.Session, "Backing up", progress, () => new BackupRun(run.Session, request, progress).RunAsync(ct));
        run.Report.Json(BackupShape.Of(summary), OutputJson.Default.BackupShape);
        foreach (var line in BackupText.Lines(summary, request.Paths.Count > 0))
            run.Report.Summary(line);
        if (summary.SnapshotFailure is { } failure)
            run.Report.Note($"warning: no snapshot was made: {RootedPath.Escape(failure.Message)}");
        return summary.ExitCode;
    }
}
