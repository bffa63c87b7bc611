using System.CommandLine;
using Backup.Protocol;

namespace Backup.Client;

/// <summary><c>cluster what-if NODE</c></summary>
internal sealed class ClusterWhatIfCommand : CommandLineCommand
{
    private readonly Argument<string> node = ClusterDrainCommand.NodeArgument("The node whose death is imagined");

    public ClusterWhatIfCommand() : base("what-if", "Say what the death of a node would mean", """
        Examples:
          Backup.Client cluster what-if node-2

        Nothing is changed. The exit code is 5 when versions would be lost or could
        not get all their copies again.
        """) => Add(node);

    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var id = ClusterDrainCommand.ParseNode(run.Parsed.GetRequiredValue(node));
        var reply = await run.Session.ConnectAsNobody().WhatIfAsync(id, ct);
        run.Report.Json(WhatIfShape.Of(reply), OutputJson.Default.WhatIfShape);
        foreach (var line in ClusterText.WhatIf(reply))
            run.Report.Line(line);
        return reply.VersionsLost == 0 && reply.CanRepair ? ExitCode.Done : ExitCode.Degraded;
    }
}
