using System.CommandLine;

namespace Backup.Client;

/// <summary><c>undelete PATH…</c></summary>
internal sealed class UndeleteCommand : CommandLineCommand
{
    private readonly Argument<string[]> paths = new("PATH") { Description = "Deleted files, or folders with what was in them", Arity = ArgumentArity.OneOrMore };
    private readonly Option<string?> asOf = AsOfOption();
    private readonly Option<bool> dryRun = new("--dry-run", "-n") { Description = "Only say what would come back" };

    public UndeleteCommand() : base("undelete", "Bring deleted files back as they were before, as new versions", """
        Examples:
          Backup.Client undelete old-notes.txt
          Backup.Client undelete photos --as-of yesterday   all deleted since then

        The root on this machine is not touched: put the files there with `restore`
        before the next backup of the whole root, which would find them gone again.
        """)
    {
        Add(paths);
        Add(asOf);
        Add(dryRun);
    }

    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var isDryRun = run.Parsed.GetValue(dryRun);
        var asOfMs = await run.AsOfAsync(asOf, ct);
        var progress = run.Progress();
        var undeletion = new UndeleteRun(run.Session, run.Parsed.GetRequiredValue(paths), asOfMs, isDryRun, progress);
        var summary = await ProgressDisplay.ShowAsync(run.Session, "Undeleting", progress, () => undeletion.RunAsync(ct));
        run.Report.Json(UndeleteShape.Of(summary), OutputJson.Default.UndeleteShape);
        run.Report.Summary($"{(isDryRun ? "would undelete" : "undeleted")} {Sizes.FilesAndFolders(summary.Undeleted, summary.Folders)}"
            + (isDryRun ? "" : $", sent {Sizes.Bytes(summary.BytesSent)}") + (summary.Failed > 0 ? $", {summary.Failed} failed" : ""));
        return summary.ExitCode;
    }
}
