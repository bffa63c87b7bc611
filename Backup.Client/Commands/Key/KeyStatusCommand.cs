using Backup.Protocol;

namespace Backup.Client;

/// <summary><c>key status</c></summary>
internal sealed class KeyStatusCommand() : CommandLineCommand("status", "Show whether the client encrypts, and whether its key is here", """
    Examples:
      Backup.Client key status
      Backup.Client --client ID key status --json
    """)
{
    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var cluster = run.Session.ConnectForKey(makeClient: false);
        var isHere = Identities.Key(run.Session.Surroundings, cluster.Client) is not null;
        var reply = await cluster.AskAsync(node => node.LookupAsync(cluster.Client, new LookupRequest([EncryptedClients.KeyPath]), ct), ct);
        var isEncrypted = isHere || reply.Files[0] is not null;
        run.Report.Json(new KeyShape(cluster.Client.ToString(), isEncrypted, isHere), OutputJson.Default.KeyShape);
        run.Report.Line(!isEncrypted ? $"client {cluster.Client} does not encrypt" : isHere ? $"client {cluster.Client} encrypts, and its key is here"
            : $"client {cluster.Client} encrypts, and its key is not here: `key unlock`");
        return ExitCode.Done;
    }
}
