using System.CommandLine;
using Backup.Protocol;

namespace Backup.Client;

/// <summary><c>runs</c></summary>
internal sealed class RunsCommand : CommandLineCommand
{
    private readonly Option<bool> drills = new("--drills") { Description = "Only drills" };

    public RunsCommand() : base("runs", "List the backups, drills and checks that the cluster knows of", """
        Examples:
          Backup.Client runs             the newest first, those that stored nothing too
          Backup.Client runs --drills    when a restore was tried, and how it went
        """) => Add(drills);

    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var cluster = run.Session.ConnectToRead();
        var onlyDrills = run.Parsed.GetValue(drills);
        var runs = (await cluster.AskAsync(node => onlyDrills ? node.DrillsAsync(cluster.Client, ct) : node.RunsAsync(cluster.Client, ct), ct)).Runs;
        foreach (var one in runs)
            run.Report.Json(RunShape.Of(one), OutputJson.Default.RunShape);
        if (runs.Length == 0)
            run.Report.Note("The cluster knows of none.");
        else
        {
            foreach (var line in ClientText.Runs(runs, run.Time))
                run.Report.Line(line);
        }
        return ExitCode.Done;
    }
}
