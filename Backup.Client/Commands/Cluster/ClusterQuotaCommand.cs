using System.CommandLine;
using Backup.Protocol;

namespace Backup.Client;

/// <summary><c>cluster quota CLIENT SIZE</c></summary>
internal sealed class ClusterQuotaCommand : CommandLineCommand
{
    /// <summary>Beyond that a number of bytes is not exact in the scripts, and no cluster this large exists.</summary>
    private const double BytesMax = 1L << 53;

    private readonly Argument<string> client = new("CLIENT") { Description = "The client's id, as `cluster clients` names it" };
    private readonly Argument<string> size = new("SIZE") { Description = "How much it may store: 100GiB, 1.5TB; none for no limit" };

    public ClusterQuotaCommand() : base("quota", "Say how much a client may store", """
        Examples:
          Backup.Client cluster quota 0f3c9a6e6f0b4f7a9d1f5b2c8e7a4d10 100GiB
          Backup.Client cluster quota 0f3c9a6e6f0b4f7a9d1f5b2c8e7a4d10 none

        The sizes of all versions count, each as if it were stored whole. What
        retention drops counts until it can no longer be brought back.
        """)
    {
        Add(client);
        Add(size);
    }

    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var request = new QuotaRequest(ClusterFineCommand.Id(run.Parsed.GetRequiredValue(client)), Bytes(run.Parsed.GetRequiredValue(size)));
        var standing = await run.Session.ConnectAsNobody().AskAsync(node => node.QuotaAsync(request, ct), ct);
        run.Report.Json(ClientShape.Of(standing), OutputJson.Default.ClientShape);
        run.Report.Summary($"{request.Client} stores {ClientText.Space(standing)}");
        return ExitCode.Done;
    }

    private static long? Bytes(string text) => text.Equals("none", StringComparison.OrdinalIgnoreCase) ? null
        : Sizes.Parse(text) is { } bytes and <= BytesMax ? (long)bytes
        : throw Failure.InvalidRequest($"'{RootedPath.Escape(text)}' is no size: write 100GiB or 1.5TB, or none for no limit.").Exception();
}
