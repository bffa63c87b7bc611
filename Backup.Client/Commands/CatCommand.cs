using System.CommandLine;
using Backup.Protocol;

namespace Backup.Client;

/// <summary><c>cat PATH</c></summary>
internal sealed class CatCommand : CommandLineCommand
{
    private readonly Argument<string> path = new("PATH") { Description = "A file inside the root" };
    private readonly Option<string?> asOf = AsOfOption();
    private readonly Option<long?> version = new("--version") { Description = "This version of it", HelpName = "N" };

    public CatCommand() : base("cat", "Write a stored file to standard output", """
        Examples:
          Backup.Client cat notes.txt
          Backup.Client cat report.pdf --as-of '2 days ago' > old.pdf
        """)
    {
        Add(path);
        Add(asOf);
        Add(version);
    }

    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        if (run.Report.IsJson)
            throw Failure.InvalidRequest("A file's content is not JSON; `where --json` describes it.").Exception();
        var inside = run.Session.Resolve(run.Parsed.GetRequiredValue(path));
        var cluster = run.Session.ConnectToRead();
        var files = new Selection(cluster, [inside], await run.AsOfAsync(asOf, ct), run.Parsed.GetValue(version)).FilesAsync(ct);
        await foreach (var file in files)
        {
            if (file.Path.Value != inside || file.Kind != VersionKind.File)
                break;
            await using var output = run.Session.Surroundings.OpenOutput();
            var target = new OutputTarget(output);
            await new Restorer(cluster, new TransferCounters()).RestoreAsync([file], target, ct);
            if (target.Failure is { } failure)
                throw failure.Exception();
            return ExitCode.Done;
        }
        throw Failure.InvalidRequest($"'{RootedPath.Escape(inside)}' is no file.").Exception();
    }
}
