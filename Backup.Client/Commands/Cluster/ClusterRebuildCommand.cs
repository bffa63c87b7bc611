using System.CommandLine;
using Backup.Protocol;

namespace Backup.Client;

/// <summary><c>cluster rebuild</c></summary>
internal sealed class ClusterRebuildCommand : CommandLineCommand
{
    private readonly Option<bool> wait = ClusterRepairCommand.WaitOption();
    private readonly Option<bool> status = new("--status") { Description = "Begin nothing, only say how far it is" };
    private readonly Option<bool> yes = new("--yes", "-y") { Description = "Do not ask; needed where nobody can be asked" };

    public ClusterRebuildCommand() : base("rebuild", "Make Redis anew from what the nodes hold", """
        Examples:
          Backup.Client cluster rebuild --wait
          Backup.Client cluster rebuild --status

        Writes wait until it has ended; reads of what is known go on. What Redis
        knows and the nodes do not is kept. The cluster does this by itself when it
        finds Redis empty or gone back in time.
        """)
    {
        Add(wait);
        Add(status);
        Add(yes);
    }

    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var cluster = run.Session.ConnectAsNobody();
        var isQuestion = run.Parsed.GetValue(status);
        if (!isQuestion && !run.Parsed.GetValue(yes) && !await ConfirmAsync(run, ct))
            return ExitCode.Done;
        var rebuild = isQuestion ? await cluster.AskAsync(node => node.RebuildStatusAsync(ct), ct) : await cluster.AskAsync(node => node.RebuildAsync(ct), ct);
        if (run.Parsed.GetValue(wait))
            rebuild = await WaitAsync(run, cluster, rebuild, ct);
        run.Report.Json(RebuildShape.Of(rebuild), OutputJson.Default.RebuildShape);
        foreach (var line in ClusterText.Rebuild(rebuild, run.Time))
            run.Report.Line(line);
        return ExitCode.Done;
    }

    private static async Task<bool> ConfirmAsync(Invocation run, CancellationToken ct)
    {
        if (!run.Session.Surroundings.IsTerminal || run.Report.IsJson)
            throw new Failure(FailureCode.InvalidRequest, "Nobody can be asked whether writes may wait for a rebuild.", "client", "Pass --yes.").Exception();
        if (await new Screen(run.Session.Console).ConfirmAsync("Backups wait while Redis is made anew. Begin?", ct))
            return true;
        run.Report.Note("Nothing was changed.");
        return false;
    }

    private static Task<RebuildStatus> WaitAsync(Invocation run, ClusterConnection cluster, RebuildStatus rebuild, CancellationToken ct)
    {
        var progress = new Progress { Noun = ("version", "versions") };
        return ProgressDisplay.ShowAsync(run.Session, "Rebuilding", progress, async () =>
        {
            while (rebuild.Running)
            {
                progress.Scanned = rebuild.VersionsRestored;
                await Task.Delay(ClusterRepairCommand.PollEvery, run.Time, ct);
                rebuild = await cluster.AskAsync(node => node.RebuildStatusAsync(ct), ct);
            }
            return rebuild;
        });
    }
}
