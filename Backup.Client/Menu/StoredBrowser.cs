using Backup.Protocol;

namespace Backup.Client;

/// <summary>Goes through what is stored, folder by folder.</summary>
internal sealed class StoredBrowser(Session session, Screen screen)
{
    private sealed record Step(string? Folder, FileVersion? File, bool IsThisFolder = false);

    /// <summary>Lets the person look around; files show where their copies lie.</summary>
    public async Task BrowseAsync(CancellationToken ct)
    {
        var folder = "";
        while (await StepAsync("What is stored", folder, null, withThisFolder: false, ct) is { } step)
        {
            if (step.File is { } file)
                await ShowAsync(file, ct);
            else
                folder = step.Folder!;
        }
    }

    /// <summary>Lets the person choose a file, or a folder with all below.</summary>
    /// <returns>Its path, empty for everything; null when the person went back.</returns>
    public async Task<string?> ChooseAsync(string title, long? asOfMs, CancellationToken ct)
    {
        var folder = "";
        while (await StepAsync(title, folder, asOfMs, withThisFolder: true, ct) is { } step)
        {
            if (step.IsThisFolder)
                return folder;
            if (step.File is { } file)
                return file.Path.Value;
            folder = step.Folder!;
        }
        return null;
    }

    private async Task<Step?> StepAsync(string title, string folder, long? asOfMs, bool withThisFolder, CancellationToken ct)
    {
        var entries = await StoredFolder.ReadAsync(session.ConnectToRead(), folder, asOfMs, ct);
        var choices = new List<Choice<Step>>();
        if (withThisFolder)
            choices.Add(new Choice<Step>(folder.Length == 0 ? "[everything]" : $"[all of {folder}/]", new Step(null, null, IsThisFolder: true)));
        if (folder.Length > 0)
            choices.Add(new Choice<Step>("../", new Step(folder.LastIndexOf('/') is > 0 and var slash ? folder[..slash] : "", null)));
        foreach (var entry in entries)
        {
            choices.Add(entry.File is { } file
                ? new Choice<Step>($"{entry.Name,-40} {Sizes.Bytes(file.SizeBytes),9}  {Times.Show(file.TimeMs, session.Surroundings.Time)}", new Step(null, file))
                : new Choice<Step>(entry.Name + "/", new Step(entry.Path, null)));
        }
        if (entries.Count == 0)
            screen.Line("Nothing is stored here.");
        return await screen.PickAsync($"{title}: /{RootedPath.Escape(folder)}", choices, ct);
    }

    private async Task ShowAsync(FileVersion file, CancellationToken ct)
    {
        var cluster = session.ConnectToRead();
        var reply = await cluster.AskAsync(node => node.LookupAsync(cluster.Client, new LookupRequest([file.Path]), ct), ct);
        var now = reply.Files[0] ?? file;
        var copies = await CopyStates.OfAsync(cluster, now, reply.Nodes, ct);
        screen.Panel("Where it lies", VersionText.Where(now, reply.Nodes, copies, session.Surroundings.Time));
        var versions = await cluster.AskAsync(node => node.VersionsAsync(cluster.Client, new VersionsRequest(file.Path), ct), ct);
        screen.Panel("Versions", VersionText.Table(versions.Versions, session.Surroundings.Time).Lines());
        await screen.PauseAsync(ct);
    }
}
