using System.CommandLine;
using Backup.Protocol;

namespace Backup.Client;

/// <summary><c>find PATTERN</c></summary>
internal sealed class FindCommand : CommandLineCommand
{
    private readonly Argument<string> pattern = new("PATTERN") { Description = "A name, or a path with /, in which * ? [a-z] and ** stand for others" };
    private readonly Option<string?> asOf = AsOfOption();
    private readonly Option<bool> ignoreCase = new("--ignore-case", "-i") { Description = "Take capital and small letters for the same" };

    public FindCommand() : base("find", "Find stored files by their names", """
        Examples:
          Backup.Client find '*.pdf'                 in any folder
          Backup.Client find 'photos/**/*.jpg' -i    below one folder
          Backup.Client find 'cache/'                folders of that name
          Backup.Client find notes.txt --as-of 30d   as it was then

        Patterns are those of a .gitignore: without a slash they mean a name in any
        folder, with one a path from the root.
        """)
    {
        Add(pattern);
        Add(asOf);
        Add(ignoreCase);
    }

    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var glob = new StoredPattern(run.Parsed.GetRequiredValue(pattern), run.Parsed.GetValue(ignoreCase));
        var cluster = run.Session.ConnectToRead();
        var asOfMs = await run.AsOfAsync(asOf, ct);
        long files = 0, folders = 0;
        await foreach (var file in cluster.ListAsync(glob.Prefix, asOfMs, ct))
        {
            if (!glob.Matches(file.Path.Value, file.Kind == VersionKind.Folder))
                continue;
            if (file.Kind == VersionKind.Folder)
                folders++;
            else
                files++;
            run.Report.Json(FileShape.Of(file), OutputJson.Default.FileShape);
            run.Report.Line(VersionText.Listed(file, run.Time));
        }
        run.Report.Note(files + folders == 0 ? "Nothing matches." : Sizes.FilesAndFolders(files, folders));
        return ExitCode.Done;
    }
}
