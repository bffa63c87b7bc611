using System.CommandLine;
using Backup.Protocol;

namespace Backup.Client;

/// <summary><c>cluster repair</c></summary>
internal sealed class ClusterRepairCommand : CommandLineCommand
{
    /// <summary>How often to ask how far it is. A copy of a small file takes milliseconds, of many minutes.</summary>
    public static readonly TimeSpan PollEvery = TimeSpan.FromSeconds(1);

    private readonly Option<bool> wait = WaitOption();
    private readonly Option<bool> status = new("--status") { Description = "Begin nothing, only say how far it is" };

    public ClusterRepairCommand() : base("repair", "Look at every file now and make the copies that are owed", """
        Examples:
          Backup.Client cluster repair --wait
          Backup.Client cluster repair --status

        The cluster does this by itself when it notices something; this makes it
        begin now. The exit code is 5 when versions have no good copy left.
        """)
    {
        Add(wait);
        Add(status);
    }

    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var cluster = run.Session.ConnectAsNobody();
        var before = await cluster.AskAsync(node => node.RepairStatusAsync(ct), ct);
        if (run.Parsed.GetValue(status))
            return await FinishAsync(run, cluster, "Repairing", before, run.Parsed.GetValue(wait), startedAfterMs: null, ct);
        var begun = await cluster.AskAsync(node => node.RepairAsync(ct), ct);
        return await FinishAsync(run, cluster, "Repairing", begun, run.Parsed.GetValue(wait), before.StartedMs, ct);
    }

    public static Option<bool> WaitOption() => new("--wait") { Description = "Wait until it has ended, and show how far it is" };

    /// <summary>Waits if that is wanted, and reports.</summary>
    /// <param name="startedAfterMs">When the pass before the one that was asked for started: that one is not waited for alone. Null for whichever runs.</param>
    public static async Task<ExitCode> FinishAsync(
        Invocation run, ClusterConnection cluster, string title, RepairStatus repair, bool wait, long? startedAfterMs, CancellationToken ct)
    {
        if (wait)
            repair = await WaitAsync(run.Session, cluster, title, repair, startedAfterMs, ct);
        run.Report.Json(RepairShape.Of(repair), OutputJson.Default.RepairShape);
        foreach (var line in ClusterText.Repair(repair, run.Time))
            run.Report.Line(line);
        return repair.VersionsLost > 0 ? ExitCode.Degraded : ExitCode.Done;
    }

    public static Task<RepairStatus> WaitAsync(
        Session session, ClusterConnection cluster, string title, RepairStatus repair, long? startedAfterMs, CancellationToken ct)
    {
        var progress = new Progress { Noun = ("version", "versions") };
        return ProgressDisplay.ShowAsync(session, title, progress, async () =>
        {
            while (repair.Running || repair.StartedMs <= startedAfterMs)
            {
                progress.Scanned = repair.VersionsExamined;
                progress.FilesPlanned = repair.VersionsCopied + repair.VersionsLeft;
                (progress.Counters.Files, progress.Counters.BytesRead) = (repair.VersionsCopied, repair.BytesCopied);
                await Task.Delay(PollEvery, session.Surroundings.Time, ct);
                repair = await cluster.AskAsync(node => node.RepairStatusAsync(ct), ct);
            }
            return repair;
        });
    }
}

/// <summary><c>cluster rebalance</c></summary>
internal sealed class ClusterRebalanceCommand : CommandLineCommand
{
    private readonly Option<bool> wait = ClusterRepairCommand.WaitOption();
    private readonly Option<bool> dryRun = DryRunOption("Only say how uneven the nodes are");

    public ClusterRebalanceCommand() : base("rebalance", "Move files from nodes that hold many to nodes that hold few", """
        Examples:
          Backup.Client cluster rebalance -n
          Backup.Client cluster rebalance --wait     after adding a node
        """)
    {
        Add(wait);
        Add(dryRun);
    }

    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var cluster = run.Session.ConnectAsNobody();
        if (!run.Parsed.GetValue(dryRun))
        {
            var before = await cluster.AskAsync(node => node.RepairStatusAsync(ct), ct);
            var begun = await cluster.AskAsync(node => node.RebalanceAsync(ct), ct);
            return await ClusterRepairCommand.FinishAsync(run, cluster, "Rebalancing", begun, run.Parsed.GetValue(wait), before.StartedMs, ct);
        }
        var status = await ClusterStatusCommand.AskAsync(run.Session, ct);
        run.Report.Json(ClusterShape.Of(status), OutputJson.Default.ClusterShape);
        foreach (var line in ClusterText.Evenness(status))
            run.Report.Line(line);
        return ExitCode.Done;
    }
}
