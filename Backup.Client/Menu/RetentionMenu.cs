using System.Globalization;
using Backup.Protocol;

namespace Backup.Client;

/// <summary>Retention in the menu: preview, apply, undo.</summary>
internal sealed class RetentionMenu(Session session, Screen screen)
{
    public async Task RunAsync(CancellationToken ct)
    {
        var what = await screen.PickAsync("Retention", [new Choice<string>("Preview what a policy keeps", "preview"), new Choice<string>("Apply a policy", "apply"),
            new Choice<string>("Undo: bring back what was dropped", "undo")], ct);
        if (what is null)
            return;
        if (what == "undo")
            screen.Panel("Undone", [RetentionText.Undone(await RetentionRun.UndoAsync(session, ct))]);
        else
            await RetainAsync(await AskPolicyAsync(ct), what == "apply", ct);
        await screen.PauseAsync(ct);
    }

    private async Task RetainAsync(RetentionPolicy policy, bool apply, CancellationToken ct)
    {
        var preview = await RetentionRun.RetainAsync(session, policy, apply: false, ct);
        screen.Panel("Preview", RetentionText.Lines(preview, applied: false, session.Surroundings.Time));
        if (!apply || (preview.Dropped.Length == 0 && preview.Versions == 0) || !await screen.ConfirmAsync("Drop them?", ct))
            return;
        var reply = await RetentionRun.RetainAsync(session, policy, apply: true, ct);
        screen.Panel("Applied", RetentionText.Lines(reply, applied: true, session.Surroundings.Time));
    }

    private async Task<RetentionPolicy> AskPolicyAsync(CancellationToken ct)
    {
        var file = session.Settings.Retention ?? new RetentionPolicy(Last: 10, Daily: 7, Weekly: 4, Monthly: 12);
        return new RetentionPolicy(await AskAsync("last snapshots", file.Last, ct), await AskAsync("hours", file.Hourly, ct), await AskAsync("days", file.Daily, ct),
            await AskAsync("weeks", file.Weekly, ct), await AskAsync("months", file.Monthly, ct), await AskAsync("years", file.Yearly, ct));
    }

    private async Task<int> AskAsync(string what, int otherwise, CancellationToken ct)
    {
        var answer = await screen.AskAsync($"Keep how many {what}?", otherwise.ToString(CultureInfo.InvariantCulture), ct);
        return int.TryParse(answer, NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count
            : throw Failure.InvalidRequest($"'{RootedPath.Escape(answer)}' is no number of snapshots.").Exception();
    }
}
