using System.Diagnostics;
using Backup.Protocol;

namespace Backup.Client;

/// <summary>What opens when the client is started in a terminal without a command. Each entry calls what the command of that name calls.</summary>
internal sealed class Menu(Session first)
{
    /// <summary>Names offered for one backup; who has more types a path, or backs up a folder.</summary>
    private const int FilesOfferedMax = 50_000;

    private sealed record Entry(string Title, Func<CancellationToken, Task>? RunAsync);

    private readonly Screen screen = new(first.Console);
    private Session session = first;

    public async Task<ExitCode> RunAsync(CancellationToken ct)
    {
        Entry[] entries =
        [
            new("Back up a file", BackUpFileAsync), new("Back up everything", ct => BackUpAsync([], ct)), new("Browse what is stored", BrowseAsync),
            new("Restore", AskAndRestoreAsync), new("Verify", ct => new VerifyMenu(session, screen).RunAsync(ct)), new("Delete", DeleteAsync),
            new("Snapshots", ct => new SnapshotMenu(session, screen, RestoreAsync).RunAsync(ct)), new("Retention", ct => new RetentionMenu(session, screen).RunAsync(ct)),
            new("Schedule", ct => new ScheduleMenu(session, screen).RunAsync(ct)), new("Cluster", ct => new ClusterMenu(session, screen).RunAsync(ct)),
            new("Settings", SettingsAsync), new("Quit", null),
        ];
        while (true)
        {
            var title = $"Backup of {RootedPath.Escape(session.Settings.RootAsGiven ?? "no root yet: see Settings")}";
            var entry = await screen.PickAsync(title, [.. entries.Select(entry => new Choice<Entry>(entry.Title, entry))], ct);
            if (entry?.RunAsync is null)
                return ExitCode.Done;
            try
            {
                // A trace of its own, as the command of that name has.
                using var span = Telemetry.Source.StartActivity(ActivityKind.Internal, parentContext: default, name: entry.Title);
                await entry.RunAsync(ct);
            }
            catch (FailureException e)
            {
                screen.Failed(e.Failure);
                await screen.PauseAsync(ct);
            }
        }
    }

    private async Task BackUpFileAsync(CancellationToken ct)
    {
        var unreadable = new List<Failure>();
        var files = new Scanner(session.Root, session.IgnoreRules(), unreadable.Add).Scan().Take(FilesOfferedMax)
            .Select(file => new Choice<string>(file.Kind switch
            {
                VersionKind.File => $"{file.Path.Value}  {Sizes.Bytes(file.Stat.SizeBytes)}",
                VersionKind.Folder => $"{file.Path.Value}/",
                _ => $"{file.Path.Value}@",
            }, file.Path.Value)).ToList();
        if (files.Count == 0)
            throw new Failure(FailureCode.NotFound, "The root holds no files.", "client", "Put some there, or choose another root in Settings.").Exception();
        if (await screen.PickAsync("Which file?", files, ct) is { } path)
            await BackUpAsync([Path.Join(session.RootPath, path)], ct);
    }

    private async Task BackUpAsync(IReadOnlyList<string> paths, CancellationToken ct)
    {
        var progress = new Progress();
        var summary = await ProgressDisplay.ShowAsync(session, "Backing up", progress, () => new BackupRun(session, new BackupRequest(paths), progress).RunAsync(ct));
        screen.Problems(summary.Problems);
        if (summary.SnapshotFailure is { } failure)
            screen.Line($"No snapshot was made: {RootedPath.Escape(failure.Message)}");
        screen.Panel(summary.Interrupted ? "Stopped" : summary.Stored + summary.Deleted + summary.Folders > 0 ? "Receipt" : "Nothing to do", BackupText.Lines(summary, paths.Count > 0));
        await screen.PauseAsync(ct);
    }

    private Task BrowseAsync(CancellationToken ct) => new StoredBrowser(session, screen).BrowseAsync(ct);

    private async Task AskAndRestoreAsync(CancellationToken ct)
    {
        var when = await screen.AskAsync("As of which time? (Enter: now; else " + Times.Help + "; or a snapshot's name)", "", ct);
        await RestoreAsync(when.Length == 0 ? null : await Moment.ResolveAsync(session, when, ct), ct);
    }

    private async Task RestoreAsync(long? asOfMs, CancellationToken ct)
    {
        if (await new StoredBrowser(session, screen).ChooseAsync("Restore what?", asOfMs, ct) is not { } path)
            return;
        var to = await screen.AskAsync("Into which folder?", Path.Join(session.Surroundings.CurrentFolder, "restored"), ct);
        var force = await screen.ConfirmAsync("Replace files that exist there?", ct);
        var progress = new Progress();
        var request = new RestoreRequest(path.Length == 0 ? [] : [Path.Join(session.RootPath, path)], to, asOfMs, Force: force);
        var summary = await ProgressDisplay.ShowAsync(session, "Restoring", progress, () => new RestoreRun(session, request, progress).RunAsync(ct));
        screen.Problems(summary.Problems);
        screen.Panel("Restored", [RestoreText.Line(summary)]);
        await screen.PauseAsync(ct);
    }

    private async Task DeleteAsync(CancellationToken ct)
    {
        if (await new StoredBrowser(session, screen).ChooseAsync("Delete what? Earlier versions stay", null, ct) is not { } path)
            return;
        if (!await screen.ConfirmAsync($"Record that '{RootedPath.Escape(path.Length == 0 ? "everything" : path)}' is deleted?", ct))
            return;
        var progress = new Progress();
        var run = new DeleteRun(session, [Path.Join(session.RootPath, path)], dryRun: false, progress);
        var summary = await ProgressDisplay.ShowAsync(session, "Deleting", progress, () => run.RunAsync(ct));
        screen.Problems(summary.Problems);
        screen.Panel("Deleted", [$"{Sizes.Count(summary.Deleted, "file")}; restore them with a time before now"]);
        await screen.PauseAsync(ct);
    }

    private async Task SettingsAsync(CancellationToken ct)
    {
        if (await new SettingsDialog(session, screen).RunAsync(ct) is { } changed)
            session = changed;
    }
}
