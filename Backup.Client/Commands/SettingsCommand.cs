namespace Backup.Client;

/// <summary><c>settings</c></summary>
internal sealed class SettingsCommand() : CommandLineCommand("settings", "Show the servers, the root and the client id in force, and where they come from", """
    Examples:
      Backup.Client settings
      Backup.Client --root ~/work settings --json

    Looked for in this order: the command line, BACKUP_ROOT and BACKUP_SERVERS,
    backup.json in the current folder or one above it, backup.json in the user's
    configuration folder (~/.config/backup).
    """)
{
    public override Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        run.Report.Json(SettingsText.Shape(run.Session), OutputJson.Default.SettingsShape);
        foreach (var line in SettingsText.Lines(run.Session))
            run.Report.Line(line);
        return Task.FromResult(ExitCode.Done);
    }
}
