using System.CommandLine;
using Backup.Protocol;

namespace Backup.Client;

/// <summary><c>where PATH</c></summary>
internal sealed class WhereCommand : CommandLineCommand
{
    private readonly Argument<string[]> paths = new("PATH") { Description = "Files inside the root", Arity = ArgumentArity.OneOrMore };
    private readonly Option<string?> asOf = AsOfOption();

    public WhereCommand() : base("where", "Say which nodes hold a file and when each verified its copy", """
        Examples:
          Backup.Client where report.pdf
          Backup.Client where report.pdf --json
        """)
    {
        Add(paths);
        Add(asOf);
    }

    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var inside = run.Parsed.GetRequiredValue(paths).Select(path => RootedPath.Parse(run.Session.Resolve(path))).ToArray();
        var cluster = run.Session.ConnectToRead();
        var asOfMs = await run.AsOfAsync(asOf, ct);
        var missing = 0;
        foreach (var some in inside.Chunk(Limits.FilesPerCallMax))
        {
            var reply = await cluster.AskAsync(node => node.LookupAsync(cluster.Client, new LookupRequest(some, asOfMs), ct), ct);
            for (var i = 0; i < some.Length; i++)
            {
                if (reply.Files[i] is not { } file)
                {
                    missing++;
                    run.Report.Error(Failure.NotFound($"'{some[i].Display}'"));
                    continue;
                }
                var holders = reply.Nodes.Where(node => file.Nodes.Contains(node.Id)).ToArray();
                var copies = await CopyStates.OfAsync(cluster, file, reply.Nodes, ct);
                run.Report.Json(FileShape.Of(file, holders, [.. file.Nodes.Zip(copies, CopyShape.Of)]), OutputJson.Default.FileShape);
                foreach (var line in VersionText.Where(file, reply.Nodes, copies, run.Time))
                    run.Report.Line(line);
            }
        }
        return missing == 0 ? ExitCode.Done : missing == inside.Length ? ExitCode.NotFound : ExitCode.Incomplete;
    }
}
