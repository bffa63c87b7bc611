using System.CommandLine;
using Backup.Protocol;

namespace Backup.Client;

/// <summary><c>verify [PATH…]</c></summary>
internal sealed class VerifyCommand : CommandLineCommand
{
    private readonly Argument<string[]> paths = new("PATH") { Description = "Files, or folders with all below; none means everything", Arity = ArgumentArity.ZeroOrMore };
    private readonly Option<bool> readData = new("--read-data") { Description = "Read every byte of every copy from every node, instead of asking the nodes when they last did" };
    private readonly Option<string?> asOf = AsOfOption();
    private readonly Option<long?> version = new("--version") { Description = "This version of the one PATH named", HelpName = "N" };

    public VerifyCommand() : base("verify", "Check every copy of what is stored, on every node that should hold it", """
        Examples:
          Backup.Client verify                       what the nodes know of their copies
          Backup.Client verify --read-data           every byte of every copy
          Backup.Client verify photos --read-data    of one folder
          Backup.Client verify --as-of release-1     what a snapshot shows

        Nothing is changed. Bad copies are named, the exit code is then 3; the
        cluster repairs them by itself, and `cluster repair` makes it begin now.
        """)
    {
        Add(paths);
        Add(readData);
        Add(asOf);
        Add(version);
    }

    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var request = new VerifyRequest(run.Parsed.GetValue(paths) ?? [], await run.AsOfAsync(asOf, ct), run.Parsed.GetValue(version), run.Parsed.GetValue(readData));
        var progress = new Progress { Noun = ("copy", "copies") };
        var unknown = new HashSet<NodeId>();
        var verification = new VerifyRun(run.Session, request, progress, problem =>
        {
            // A node that cannot be asked is said once, not once for each of its copies.
            if (problem.Finding != CopyFinding.Unknown)
                run.Report.Warning(VerifyText.Problem(problem));
            else if (unknown.Add(problem.Node))
                run.Report.Warning($"unknown: the copies on {problem.Node}: {RootedPath.Escape(problem.Why)}");
        });
        var summary = await ProgressDisplay.ShowAsync(run.Session, "Verifying", progress, () => verification.RunAsync(ct));
        run.Report.Json(VerifyShape.Of(summary), OutputJson.Default.VerifyShape);
        foreach (var line in VerifyText.Lines(summary, run.Time))
            run.Report.Summary(line);
        return summary.ExitCode;
    }
}
