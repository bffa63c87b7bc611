using Backup.Protocol;

namespace Backup.Client;

/// <summary>Snapshots in the menu: list, create, restore as of one, delete.</summary>
/// <param name="restoreAsync">Restores as of a moment, as the menu's own entry does.</param>
internal sealed class SnapshotMenu(Session session, Screen screen, Func<long?, CancellationToken, Task> restoreAsync)
{
    public async Task RunAsync(CancellationToken ct)
    {
        var what = await screen.PickAsync("Snapshots", [new Choice<string>("List them", "list"), new Choice<string>("Create one", "create"),
            new Choice<string>("Restore as of one", "restore"), new Choice<string>("Delete one", "delete")], ct);
        await (what switch
        {
            "list" => ListAsync(ct),
            "create" => CreateAsync(ct),
            "restore" => RestoreAsync(ct),
            "delete" => DeleteAsync(ct),
            _ => Task.CompletedTask,
        });
    }

    private async Task ListAsync(CancellationToken ct)
    {
        screen.Panel("Snapshots", RetentionText.Snapshots(await session.ConnectToRead().SnapshotsAsync(ct), session.Surroundings.Time));
        await screen.PauseAsync(ct);
    }

    private async Task CreateAsync(CancellationToken ct)
    {
        var name = await screen.AskAsync("Which name? (letters, digits, - _ . : +)", "", ct);
        if (name.Length == 0)
            return;
        var at = await screen.AskAsync("As of which time? (Enter: now; else " + Times.Help + ")", "", ct);
        var until = await screen.AskAsync("Pinned until when? (Enter: not pinned; else " + Times.UntilHelp + ")", "", ct);
        var time = session.Surroundings.Time;
        var made = await Snapshots.NameAsync(session, name, at.Length > 0 ? Times.Parse(at, time) : null, until.Length > 0 ? Times.ParseUntil(until, time) : null, ct);
        screen.Panel("Created", RetentionText.Snapshots([made], time));
        await screen.PauseAsync(ct);
    }

    private async Task RestoreAsync(CancellationToken ct)
    {
        if (await PickAsync("As of which?", ct) is { } snapshot)
            await restoreAsync(snapshot.TimeMs, ct);
    }

    private async Task DeleteAsync(CancellationToken ct)
    {
        if (await PickAsync("Delete which?", ct) is not { } snapshot || !await screen.ConfirmAsync($"Delete the snapshot '{RootedPath.Escape(snapshot.Name)}'?", ct))
            return;
        await Snapshots.DeleteAsync(session, snapshot.Name, ct);
        screen.Line($"Deleted {RootedPath.Escape(snapshot.Name)}.");
        await screen.PauseAsync(ct);
    }

    /// <summary>The newest first: it is the one most often wanted.</summary>
    private async Task<Snapshot?> PickAsync(string title, CancellationToken ct)
    {
        var snapshots = await session.ConnectToRead().SnapshotsAsync(ct);
        if (snapshots.Length == 0)
            throw new Failure(FailureCode.NotFound, "There are no snapshots.", "client", "A backup of everything makes one, or create one here.").Exception();
        var choices = snapshots.Reverse().Select(snapshot => new Choice<Snapshot>($"{snapshot.Name,-30} {Times.Show(snapshot.TimeMs, session.Surroundings.Time)}", snapshot));
        return await screen.PickAsync(title, [.. choices], ct);
    }
}
