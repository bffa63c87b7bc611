using System.CommandLine;

namespace Backup.Client;

/// <summary><c>restore [PATH…] --to DIR</c></summary>
internal sealed class RestoreCommand : CommandLineCommand
{
    private readonly Argument<string[]> paths = new("PATH") { Description = "Files, or folders with all below; none means everything", Arity = ArgumentArity.ZeroOrMore };
    private readonly Option<string> to = new("--to") { Description = "The folder that takes the files, under their paths in the root", HelpName = "DIR", Required = true };
    private readonly Option<string?> asOf = AsOfOption();
    private readonly Option<long?> version = new("--version") { Description = "This version of the one PATH named", HelpName = "N" };
    private readonly Option<bool> force = new("--force") { Description = "Replace files that exist" };
    private readonly Option<bool> keepSetuid = new("--keep-setuid") { Description = "Bring setuid and setgid bits back; only root can" };
    private readonly Option<bool> dryRun = new("--dry-run", "-n") { Description = "Only say what would be restored" };

    public RestoreCommand() : base("restore", "Bring files back, into a folder of your choice", """
        Examples:
          Backup.Client restore --to /tmp/back                 everything
          Backup.Client restore photos --to /tmp/back          a folder
          Backup.Client restore --to /tmp/old --as-of 2d       all as of 2 days ago
          Backup.Client restore --to /tmp/r --as-of release-1  all as of a snapshot
          Backup.Client restore a.pdf --version 3 --to .       an earlier version

        A file that exists is left as it is unless --force is given; one that has the
        size and mtime of the stored one counts as restored, so that a restore that
        was stopped goes on. Nothing is written outside DIR, nor through a symlink.
        """)
    {
        foreach (var option in new Option[] { to, asOf, version, force, keepSetuid, dryRun })
            Add(option);
        Add(paths);
    }

    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var parsed = run.Parsed;
        var request = new RestoreRequest(parsed.GetValue(paths) ?? [], parsed.GetRequiredValue(to), await run.AsOfAsync(asOf, ct), parsed.GetValue(version),
            parsed.GetValue(force), parsed.GetValue(keepSetuid), parsed.GetValue(dryRun));
        var progress = run.Progress();
        var summary = await ProgressDisplay.ShowAsync(run.Session, "Restoring", progress, () => new RestoreRun(run.Session, request, progress).RunAsync(ct));
        run.Report.Json(RestoreShape.Of(summary), OutputJson.Default.RestoreShape);
        run.Report.Summary(RestoreText.Line(summary));
        return summary.ExitCode;
    }
}
