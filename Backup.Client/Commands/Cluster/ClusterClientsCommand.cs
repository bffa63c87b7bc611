using System.CommandLine;
using Backup.Protocol;

namespace Backup.Client;

/// <summary><c>cluster clients</c></summary>
internal sealed class ClusterClientsCommand() : CommandLineCommand("clients", "Say when clients backed up last, how much they store, and what is strange", """
    Examples:
      Backup.Client cluster clients
      Backup.Client cluster clients --json

    A token that may look after the cluster sees all clients, another one its own.
    The exit code is 5 when a backup did not come or changed strangely much.
    """)
{
    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var clients = (await run.Session.ConnectAsNobody().AskAsync(node => node.ClientsAsync(ct), ct)).Clients;
        foreach (var client in clients)
            run.Report.Json(ClientShape.Of(client), OutputJson.Default.ClientShape);
        if (clients.Length == 0)
            run.Report.Note("No client has told of a backup yet.");
        foreach (var line in ClientText.Lines(clients, run.Time))
            run.Report.Line(line);
        return clients.Any(client => client.IsAlarming) ? ExitCode.Degraded : ExitCode.Done;
    }
}

/// <summary><c>cluster fine CLIENT</c></summary>
internal sealed class ClusterFineCommand : CommandLineCommand
{
    private readonly Argument<string> client = new("CLIENT") { Description = "The client's id, as `cluster clients` names it" };

    public ClusterFineCommand() : base("fine", "Say that a backup that changed strangely much is fine: retention goes on", """
        Examples:
          Backup.Client cluster fine 0f3c9a6e6f0b4f7a9d1f5b2c8e7a4d10

        Look first: `diff` shows what changed, and an earlier state restores.
        """) => Add(client);

    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var id = Id(run.Parsed.GetRequiredValue(client));
        var standing = await run.Session.ConnectAsNobody().AskAsync(node => node.FineAsync(new FineRequest(id), ct), ct);
        run.Report.Json(ClientShape.Of(standing), OutputJson.Default.ClientShape);
        run.Report.Summary($"retention goes on for {id}");
        return ExitCode.Done;
    }

    public static ClientId Id(string text) => ClientId.TryParse(text, null, out var id) ? id
        : throw Failure.InvalidRequest($"'{RootedPath.Escape(text)}' is no client's id, which has 32 hex digits.").Exception();
}
