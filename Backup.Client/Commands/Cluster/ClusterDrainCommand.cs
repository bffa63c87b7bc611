using System.CommandLine;
using Backup.Protocol;

namespace Backup.Client;

/// <summary><c>cluster drain NODE</c></summary>
internal sealed class ClusterDrainCommand : CommandLineCommand
{
    private readonly Argument<string> node = NodeArgument("The node to be emptied");
    private readonly Option<bool> dryRun = DryRunOption("Only say what would have to be copied");
    private readonly Option<bool> wait = new("--wait") { Description = "Wait until it holds nothing any more, and show how far it is" };

    public ClusterDrainCommand() : base("drain", "Empty a node, so that it can be taken away", """
        Examples:
          Backup.Client cluster drain node-3 -n
          Backup.Client cluster drain node-3 --wait

        The node gets no new files and gives its copies to others; it serves them
        meanwhile. `cluster undrain` ends that.
        """)
    {
        Add(node);
        Add(dryRun);
        Add(wait);
    }

    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var id = ParseNode(run.Parsed.GetRequiredValue(node));
        var cluster = run.Session.ConnectAsNobody();
        if (run.Parsed.GetValue(dryRun))
        {
            var reply = await cluster.WhatIfAsync(id, ct);
            run.Report.Json(WhatIfShape.Of(reply), OutputJson.Default.WhatIfShape);
            run.Report.Line($"would empty {id}: {Sizes.Count(reply.Files, "file")}, up to {Sizes.Bytes(reply.BytesToCopy)} to copy"
                + (reply.CanRepair ? "" : "; too few nodes would be left to take them"));
            return ExitCode.Done;
        }
        var status = await cluster.AskAsync(any => any.DrainAsync(new DrainRequest(id, Drain: true), ct), ct);
        if (run.Parsed.GetValue(wait))
            status = await WaitAsync(run, cluster, id, status, ct);
        run.Report.Json(ClusterShape.Of(status), OutputJson.Default.ClusterShape);
        var files = status.Nodes.FirstOrDefault(other => other.Id == id)?.Files ?? 0;
        run.Report.Summary(Left(status, id) == 0 ? $"{id} holds nothing any more and may be taken away" : $"{id} is being emptied: {Sizes.Count(files, "file is", "files are")} left");
        return ExitCode.Done;
    }

    private static Task<ClusterStatus> WaitAsync(Invocation run, ClusterConnection cluster, NodeId id, ClusterStatus status, CancellationToken ct)
    {
        var progress = new Progress();
        return ProgressDisplay.ShowAsync(run.Session, $"Emptying {id}", progress, async () =>
        {
            var all = Left(status, id);
            progress.FilesPlanned = Math.Max(all, 1);
            while (Left(status, id) > 0)
            {
                progress.Counters.Files = Math.Max(0, all - Left(status, id));
                await Task.Delay(ClusterRepairCommand.PollEvery, run.Time, ct);
                status = await cluster.AskAsync(any => any.ClusterAsync(ct), ct);
            }
            return status;
        });
    }

    /// <summary>Files that are left on the node. Where there are none it may still hold what retention dropped and an undo may bring back: that counts as one.</summary>
    private static long Left(ClusterStatus now, NodeId id) => now.Nodes.FirstOrDefault(other => other.Id == id) is { Drained: false } node
        ? node.State == NodeState.Dead ? node.Files : Math.Max(1, node.Files) : 0;

    public static Argument<string> NodeArgument(string description) => new("NODE") { Description = description + ", as `cluster nodes` names it" };

    public static NodeId ParseNode(string text) => NodeId.TryParse(text, null, out var id) ? id
        : throw Failure.InvalidRequest($"'{RootedPath.Escape(text)}' cannot be a node's id.").Exception();
}

/// <summary><c>cluster undrain NODE</c></summary>
internal sealed class ClusterUndrainCommand : CommandLineCommand
{
    private readonly Argument<string> node = ClusterDrainCommand.NodeArgument("The node that stays after all");

    public ClusterUndrainCommand() : base("undrain", "Stop emptying a node: it takes files again", """
        Examples:
          Backup.Client cluster undrain node-3
        """) => Add(node);

    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var id = ClusterDrainCommand.ParseNode(run.Parsed.GetRequiredValue(node));
        var status = await run.Session.ConnectAsNobody().AskAsync(any => any.DrainAsync(new DrainRequest(id, Drain: false), ct), ct);
        run.Report.Json(ClusterShape.Of(status), OutputJson.Default.ClusterShape);
        run.Report.Summary($"{id} takes files again");
        return ExitCode.Done;
    }
}
