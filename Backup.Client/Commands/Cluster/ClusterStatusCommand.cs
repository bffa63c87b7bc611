using Backup.Protocol;

namespace Backup.Client;

/// <summary><c>cluster status</c></summary>
internal sealed class ClusterStatusCommand() : CommandLineCommand("status", "Say whether the cluster is healthy, and how its nodes are", """
    Examples:
      Backup.Client cluster status
      Backup.Client --server http://node-2:7102 cluster status --json
    """)
{
    /// <summary>A node that is up answers within milliseconds, one that asks another manager first within a second or two.</summary>
    private static readonly TimeSpan PatienceTime = TimeSpan.FromSeconds(5);

    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var status = await AskAsync(run.Session, ct);
        run.Report.Json(ClusterShape.Of(status), OutputJson.Default.ClusterShape);
        foreach (var line in ClusterText.Lines(status))
            run.Report.Line(line);
        return status.Healthy ? ExitCode.Done : ExitCode.Degraded;
    }

    /// <summary>Asks with little patience: whoever asks how the cluster is wants to know when it does not answer.</summary>
    public static async Task<ClusterStatus> AskAsync(Session session, CancellationToken ct)
    {
        var cluster = session.ConnectAsNobody();
        using var deadline = new CancellationTokenSource(PatienceTime, session.Surroundings.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, deadline.Token);
        try
        {
            return await cluster.AskAsync(node => node.ClusterAsync(either.Token), either.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new Failure(FailureCode.NodeUnreachable, $"None of these answers: {string.Join(", ", session.Settings.Servers)}.", "client",
                "Check that the cluster runs and that --server names one of its nodes.").Exception();
        }
    }
}
