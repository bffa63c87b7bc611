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
        var (session, settings) = (run.Session, run.Session.Settings);
        var client = settings.Root is null ? settings.Client : session.KnownClient;
        var cache = client is null ? UserFolders.Cache(session.Surroundings) : new CatalogueFolder(session.Surroundings, client.Value).FilePath;
        run.Report.Json(new SettingsShape(settings.File, [.. settings.Servers.Select(server => server.ToString())], settings.Root, client?.ToString(),
            [.. settings.Exclude], [.. settings.Include], cache), OutputJson.Default.SettingsShape);
        run.Report.Line($"file       {settings.File ?? "none"}");
        run.Report.Line($"servers    {string.Join(", ", settings.Servers)}");
        run.Report.Line($"root       {settings.Root ?? "none: name one with --root DIR"}");
        run.Report.Line($"client     {client?.ToString() ?? "none yet: the first backup of the root makes one"}");
        run.Report.Line($"exclude    {string.Join(", ", settings.Exclude)}");
        run.Report.Line($"catalogue  {cache}");
        return Task.FromResult(ExitCode.Done);
    }
}
