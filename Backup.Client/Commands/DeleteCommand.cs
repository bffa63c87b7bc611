using System.CommandLine;

namespace Backup.Client;

/// <summary><c>delete PATH…</c></summary>
internal sealed class DeleteCommand : CommandLineCommand
{
    private readonly Argument<string[]> paths = new("PATH") { Description = "Files, or folders with all below", Arity = ArgumentArity.OneOrMore };
    private readonly Option<bool> dryRun = new("--dry-run", "-n") { Description = "Only say what would be deleted" };

    public DeleteCommand() : base("delete", "Record that stored files are deleted; earlier versions stay", """
        Examples:
          Backup.Client delete old-notes.txt
          Backup.Client restore old-notes.txt --to . --as-of 1h     and back again

        The root on this machine is not touched: what is still there is stored again
        by the next backup.
        """)
    {
        Add(paths);
        Add(dryRun);
    }

    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var isDryRun = run.Parsed.GetValue(dryRun);
        var progress = isDryRun ? run.Progress() : new Progress { Problem = run.Report.Problem };
        var deletion = new DeleteRun(run.Session, run.Parsed.GetRequiredValue(paths), isDryRun, progress);
        var summary = await ProgressDisplay.ShowAsync(run.Session, "Deleting", progress, () => deletion.RunAsync(ct));
        run.Report.Json(DeleteShape.Of(summary), OutputJson.Default.DeleteShape);
        run.Report.Summary($"{(isDryRun ? "would delete" : "deleted")} {Sizes.Count(summary.Deleted, "file")}{(summary.Failed > 0 ? $", {summary.Failed} failed" : "")}");
        return summary.ExitCode;
    }
}
