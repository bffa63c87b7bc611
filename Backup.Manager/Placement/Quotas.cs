using System.Globalization;
using Backup.Manager.Redis;
using Backup.Protocol;

namespace Backup.Manager;

/// <summary>
/// How much clients may store. What counts are the sizes of all versions, each as if it were stored whole and once, until their
/// nodes have forgotten them: what retention dropped and an undo brings back has counted all the while.
/// </summary>
public sealed class Quotas(Metadata metadata)
{
    private const string None = "-";

    public async Task SetAsync(QuotaRequest request, CancellationToken ct)
    {
        if (request.Bytes is < 0)
            throw Failure.InvalidRequest("A quota is counted from 0 bytes up.").Exception();
        var reply = await metadata.RunAsync(new ScriptCall(Script.QuotaClient).Key(Keys.Seq(request.Client), Keys.Clients, Keys.Tokens(request.Client))
            .Arg(request.Client.ToString()).Arg(request.Bytes?.ToString(CultureInfo.InvariantCulture) ?? None), ct);
        if (reply[0].Text != "ok")
            throw Failure.NotFound($"Anything of a client {request.Client}").Exception();
    }

    /// <returns>What the client has stored, and its quota where it has one.</returns>
    public async Task<(long Stored, long? Quota)> ReadAsync(ClientId client, CancellationToken ct)
    {
        var fields = await metadata.ReadHashAsync(Keys.Seq(client), ["bytes", "quota"], ct);
        return (Number(fields[0]) ?? 0, Number(fields[1]));
    }

    /// <summary>What placement and commit say, when their script answered "quota".</summary>
    internal static Failure Refusal(ScriptReply reply) => new(FailureCode.QuotaExceeded,
        string.Create(CultureInfo.InvariantCulture, $"The client has stored {reply[1].Text} of the {reply[2].Text} bytes it may, and these files come to {reply[3].Text}."),
        "client", "Ask whoever looks after the cluster for more (`cluster quota`), or apply retention: what that drops counts until it can no longer be brought back.");

    private static long? Number(string? text) => text is null ? null : long.Parse(text, CultureInfo.InvariantCulture);
}
