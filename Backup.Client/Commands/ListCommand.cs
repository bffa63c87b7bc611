using System.CommandLine;
using Backup.Protocol;

namespace Backup.Client;

/// <summary><c>list [PREFIX]</c></summary>
internal sealed class ListCommand : CommandLineCommand
{
    private readonly Argument<string?> prefix = new("PREFIX") { Description = "Only paths that start with this", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<string?> asOf = AsOfOption();

    public ListCommand() : base("list", "List what is stored", """
        Examples:
          Backup.Client list                       everything
          Backup.Client list photos/               what is in a folder
          Backup.Client list --as-of yesterday     as it was at the end of yesterday
          Backup.Client list --as-of release-1     as it was when that snapshot was made

        A name that ends in / is a folder, one that ends in @ a symlink.
        """)
    {
        Add(prefix);
        Add(asOf);
    }

    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var asOfMs = await run.AsOfAsync(asOf, ct);
        var start = Prefix(run, run.Parsed.GetValue(prefix));
        if (run.Session.KnownClient is null)
        {
            run.Report.Note("Nothing is stored: this root has not been backed up from this machine. For a backup made elsewhere, pass --client ID.");
            return ExitCode.Done;
        }
        long files = 0, folders = 0, bytes = 0;
        await foreach (var file in run.Session.ConnectToRead().ListAsync(start, asOfMs, ct))
        {
            if (file.Kind == VersionKind.Folder)
                folders++;
            else
                files++;
            bytes += file.SizeBytes;
            run.Report.Json(FileShape.Of(file), OutputJson.Default.FileShape);
            if (!run.Report.IsJson)
                run.Report.Line(VersionText.Listed(file, run.Time));
        }
        run.Report.Note(files + folders == 0 ? "Nothing is stored." : $"{Sizes.Count(files, "file")}, {Sizes.Bytes(bytes)}");
        return ExitCode.Done;
    }

    /// <summary>A prefix need not be a whole name, but a slash at its end must stay.</summary>
    private static string Prefix(Invocation run, string? argument)
    {
        if (string.IsNullOrEmpty(argument))
            return "";
        var inside = run.Session.Resolve(argument);
        return inside.Length > 0 && argument.EndsWith('/') ? inside + "/" : inside;
    }
}
