namespace Backup.Client;

/// <summary>Verifying in the menu, and trying a restore.</summary>
internal sealed class VerifyMenu(Session session, Screen screen)
{
    private const int DrillFiles = 50;
    private const long DrillBytesMax = 1 << 30;

    public async Task RunAsync(CancellationToken ct)
    {
        var what = await screen.PickAsync("Verify", [new Choice<string>("Ask the nodes how their copies are", "ask"), new Choice<string>("Read every byte of every copy", "read"),
            new Choice<string>("Drill: restore a random sample and compare it", "drill"), new Choice<string>("The drills there were", "history")], ct);
        if (what is null)
            return;
        if (what is "ask" or "read")
            await VerifyAsync(what == "read", ct);
        else if (what == "drill")
            await DrillAsync(ct);
        else
        {
            var drills = session.KnownClient is { } client ? new DrillHistory(session.Surroundings).Of(client) : [];
            screen.Panel("Drills", drills.Count == 0 ? ["there was none yet"] : DrillText.History(drills, session.Surroundings.Time));
        }
        await screen.PauseAsync(ct);
    }

    private async Task VerifyAsync(bool readData, CancellationToken ct)
    {
        var progress = new Progress { Noun = ("copy", "copies") };
        var summary = await ProgressDisplay.ShowAsync(session, "Verifying", progress, () => new VerifyRun(session, new VerifyRequest([], ReadData: readData), progress).RunAsync(ct));
        if (summary.Problems.Count > 0)
            screen.Panel("Bad copies", screen.Some(summary.Problems, VerifyText.Problem, summary.Bad));
        screen.Panel("Verified", VerifyText.Lines(summary, session.Surroundings.Time));
    }

    private async Task DrillAsync(CancellationToken ct)
    {
        var progress = new Progress();
        var drill = new DrillRun(session, new DrillRequest(DrillFiles, DrillBytesMax), progress, Random.Shared);
        var summary = await ProgressDisplay.ShowAsync(session, "Restoring a sample", progress, () => drill.RunAsync(ct));
        screen.Problems(summary.Problems);
        screen.Panel("Drill", DrillText.Lines(summary));
    }
}
