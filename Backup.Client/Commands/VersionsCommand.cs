using System.CommandLine;
using Backup.Protocol;

namespace Backup.Client;

/// <summary><c>versions PATH</c></summary>
internal sealed class VersionsCommand : CommandLineCommand
{
    private readonly Argument<string> path = new("PATH") { Description = "A file inside the root" };
    private readonly Option<string?> asOf = AsOfOption("Only those there were at that time: ");

    public VersionsCommand() : base("versions", "List every version of a file, the oldest first", """
        Examples:
          Backup.Client versions report.pdf
          Backup.Client restore report.pdf --version 3 --to /tmp/old
        """)
    {
        Add(path);
        Add(asOf);
    }

    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var inside = RootedPath.Parse(run.Session.Resolve(run.Parsed.GetRequiredValue(path)));
        var cluster = run.Session.ConnectToRead();
        var reply = await cluster.AskAsync(node => node.VersionsAsync(cluster.Client, new VersionsRequest(inside), ct), ct);
        if (reply.Versions.Length == 0)
            throw Failure.NotFound($"'{inside.Display}'").Exception();
        var asOfMs = await run.AsOfAsync(asOf, ct);
        var versions = asOfMs is null ? reply.Versions : [.. reply.Versions.Where(version => version.TimeMs <= asOfMs)];
        if (versions.Length == 0)
            throw Failure.NotFound($"'{inside.Display}' at that time").Exception();
        foreach (var version in versions)
            run.Report.Json(FileShape.Of(version), OutputJson.Default.FileShape);
        foreach (var line in VersionText.Table(versions, run.Time).Lines())
            run.Report.Line(line);
        return ExitCode.Done;
    }
}
