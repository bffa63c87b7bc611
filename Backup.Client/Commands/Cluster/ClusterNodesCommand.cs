namespace Backup.Client;

/// <summary><c>cluster nodes</c></summary>
internal sealed class ClusterNodesCommand() : CommandLineCommand("nodes", "List the nodes with their files, space and state", """
    Examples:
      Backup.Client cluster nodes
      Backup.Client cluster nodes --json

    Unlike `cluster status`, the exit code is 0 whatever state they are in.
    """)
{
    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var status = await ClusterStatusCommand.AskAsync(run.Session, ct);
        foreach (var node in status.Nodes.OrderBy(node => node.Id))
            run.Report.Json(ClusterShape.Of(node), OutputJson.Default.NodeShape);
        foreach (var line in ClusterText.Nodes(status).Lines())
            run.Report.Line(line);
        return ExitCode.Done;
    }
}
