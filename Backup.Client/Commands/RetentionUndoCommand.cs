namespace Backup.Client;

/// <summary><c>retention undo</c></summary>
internal sealed class RetentionUndoCommand() : CommandLineCommand("undo", "Bring back what retention dropped and is not gone for good yet", """
    Examples:
      Backup.Client retention undo
    """)
{
    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var reply = await RetentionRun.UndoAsync(run.Session, ct);
        run.Report.Json(UndoShape.Of(reply), OutputJson.Default.UndoShape);
        run.Report.Summary(RetentionText.Undone(reply));
        return ExitCode.Done;
    }
}
