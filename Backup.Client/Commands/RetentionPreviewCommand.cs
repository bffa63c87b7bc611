namespace Backup.Client;

/// <summary><c>retention preview</c></summary>
internal sealed class RetentionPreviewCommand : CommandLineCommand
{
    private readonly RetentionOptions options = new();

    public RetentionPreviewCommand() : base("preview", "Say what a policy keeps and why, and what it drops", """
        Examples:
          Backup.Client retention preview --keep-daily 7 --keep-monthly 12
          Backup.Client retention preview       with "retention" of backup.json

        Nothing is changed. Days and hours are those of UTC, and only those count that
        have a snapshot. Snapshots with a name you gave, and pinned ones, always stay.
        """)
    {
        foreach (var option in options.All)
            Add(option);
    }

    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var reply = await RetentionRun.RetainAsync(run.Session, options.Read(run), apply: false, ct);
        run.Report.Json(RetentionShape.Of(reply, applied: false), OutputJson.Default.RetentionShape);
        foreach (var line in RetentionText.Lines(reply, applied: false, run.Time))
            run.Report.Line(line);
        return ExitCode.Done;
    }
}
