using System.CommandLine;
using Backup.Protocol;

namespace Backup.Client;

/// <summary><c>cluster</c>, under which all stands that concerns the cluster as a whole.</summary>
internal sealed class ClusterCommand : Command
{
    public ClusterCommand() : base("cluster", "Look after the cluster")
    {
        Add(new ClusterStatusCommand());
        this.SetAction(_ => (int)ExitCode.Usage);
    }
}

/// <summary><c>cluster status</c></summary>
internal sealed class ClusterStatusCommand() : CommandLineCommand("status", "Say whether the cluster is healthy, and how its nodes are", """
    Examples:
      Backup.Client cluster status
      Backup.Client --server http://node-2:7102 cluster status --json
    """)
{
    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var cluster = run.Session.ConnectAsNobody();
        var status = await cluster.AskAsync(node => node.ClusterAsync(ct), ct);
        run.Report.Json(ClusterShape.Of(status), OutputJson.Default.ClusterShape);
        foreach (var line in ClusterText.Lines(status))
            run.Report.Line(line);
        return status.Healthy ? ExitCode.Done : ExitCode.Degraded;
    }
}
