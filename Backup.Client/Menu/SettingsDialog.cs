using Backup.Protocol;

namespace Backup.Client;

/// <summary>Shows the settings and changes the servers and the root, in the configuration file that is in force.</summary>
internal sealed class SettingsDialog(Session session, Screen screen)
{
    private static readonly char[] Separators = [',', ' '];

    /// <returns>A session with the new settings; null when nothing changed.</returns>
    public async Task<Session?> RunAsync(CancellationToken ct)
    {
        var settings = session.Settings;
        screen.Panel("Settings", SettingsText.Lines(session));
        var what = await screen.PickAsync("Change what?", [new Choice<string>("The root", "root"), new Choice<string>("The servers", "servers"), new Choice<string>("Nothing", "")], ct);
        if (what is null or "")
            return null;
        var path = settings.File ?? Path.Join(UserFolders.Configuration(session.Surroundings), ConfigurationFile.FileName);
        var file = File.Exists(path) ? ConfigurationFile.Read(path) : new ConfigurationFile();
        file = what == "root" ? file with { Root = await AskRootAsync(settings, ct) } : file with { Servers = await AskServersAsync(settings, ct) };
        file.Write(path);
        screen.Line($"Written to {path}.");
        // What was chosen here goes before what the command line said at the start.
        var choices = what == "root" ? session.Choices with { Root = file.Root } : session.Choices with { Servers = [.. file.Servers!.Select(server => server.ToString())] };
        session.Dispose();
        return new Session(session.Surroundings, choices);
    }

    private async Task<string> AskRootAsync(Settings settings, CancellationToken ct)
    {
        var root = Path.GetFullPath(await screen.AskAsync("Which folder holds the files to back up?", settings.RootAsGiven ?? "", ct), session.Surroundings.CurrentFolder);
        using (RootDirectory.Open(root))
            return root;
    }

    private async Task<Uri[]> AskServersAsync(Settings settings, CancellationToken ct)
    {
        var servers = await screen.AskAsync("At which addresses are the nodes? (several: commas between)", string.Join(", ", settings.Servers), ct);
        var choices = GlobalChoices.None with { Servers = servers.Split(Separators, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) };
        return choices.Servers.Count > 0 ? [.. Settings.Load(session.Surroundings, choices).Servers]
            : throw Failure.InvalidRequest("No address was given.").Exception();
    }
}
