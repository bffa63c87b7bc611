using Backup.ClusterTests;
using Backup.Protocol;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Backup.ConsoleTests;

/// <summary>What a person does: by keyboard, with snapshots, as another client.</summary>
[Collection(ConsoleCollection.Name)]
public sealed class UseTests(ConsoleFixture console)
{
    [SkippableFact]
    public async Task The_keyboard_is_enough()
    {
        await using var view = await console.OpenAsync();
        var keys = view.Page.Keyboard;
        // Where a fresh page begins; the first thing on it leads past the menu.
        await view.Page.EvaluateAsync("document.body.tabIndex = -1, document.body.focus()");
        await keys.PressAsync("Tab");
        await Expect(view.Page.Locator("a.skip")).ToBeFocusedAsync();
        for (var i = 0; i < 10 && !await view.Page.EvaluateAsync<bool>("document.activeElement.textContent == 'Snapshots'"); i++)
            await keys.PressAsync("Tab");
        await Expect(view.Page.GetByRole(AriaRole.Link, new() { Name = "Snapshots", Exact = true })).ToBeFocusedAsync();
        await keys.PressAsync("Enter");
        await Expect(view.Page.Locator("h1")).ToHaveTextAsync("Snapshots and retention");
        // The heading has the focus, so that a reader says where one is, and one goes on from there.
        await Expect(view.Page.Locator("h1")).ToBeFocusedAsync();
        await keys.PressAsync("Tab");
        await keys.TypeAsync("by-keyboard");
        await keys.PressAsync("Enter");
        await Expect(view.Page.Locator("#snapshots")).ToContainTextAsync("by-keyboard");
        var snapshots = await console.Guest.AskAsync(n => n.SnapshotsAsync(ClientId.Guest, default), default);
        Assert.Contains(snapshots.Snapshots, snapshot => snapshot.Name == "by-keyboard");
    }

    [SkippableFact]
    public async Task Deleting_asks_first_and_a_pinned_snapshot_stays()
    {
        await using var view = await console.OpenAsync("/console/snapshots");
        await view.Page.GetByLabel("Name", new() { Exact = true }).FillAsync("pinned");
        await view.Page.GetByLabel("Pinned for days").FillAsync("30");
        await view.Page.GetByText("Name this moment").ClickAsync();
        await view.Page.GetByRole(AriaRole.Button, new() { Name = "Delete pinned" }).ClickAsync();
        await view.Page.GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();
        await view.Page.GetByRole(AriaRole.Button, new() { Name = "Delete pinned" }).ClickAsync();
        await view.Page.GetByRole(AriaRole.Button, new() { Name = "Delete", Exact = true }).Last.ClickAsync();
        await Expect(view.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("'pinned' is pinned until");
    }

    [SkippableFact]
    public async Task A_retention_policy_is_shown_before_it_is_applied()
    {
        await console.Guest.AskAsync(n => n.SnapshotAsync(ClientId.Guest, new SnapshotRequest("auto-1", Automatic: true), default), default);
        await console.Guest.AskAsync(n => n.SnapshotAsync(ClientId.Guest, new SnapshotRequest("auto-2", Automatic: true), default), default);
        await using var view = await console.OpenAsync("/console/snapshots");
        foreach (var period in new[] { "Daily", "Weekly", "Monthly" })
            await view.Page.GetByLabel(period).FillAsync("0");
        await view.Page.GetByLabel("Last", new() { Exact = true }).FillAsync("1");
        await view.Page.GetByText("Preview").ClickAsync();
        await Expect(view.Page.Locator("#preview")).ToContainTextAsync("keep auto-2: last");
        await Expect(view.Page.Locator("#preview")).ToContainTextAsync("drop auto-1");
        await view.PictureAsync("console-retention");
        await view.AssertSoundAsync();
    }

    [SkippableFact]
    public async Task What_a_death_would_mean_is_told_and_a_drain_is_asked_about_first()
    {
        await using var view = await console.OpenAsync("/console/operate");
        await view.Page.GetByRole(AriaRole.Button, new() { Name = "What if it dies: node-1" }).ClickAsync();
        await Expect(view.Page.Locator("#what-if")).ToContainTextAsync("No version would be lost.");
        await view.PictureAsync("console-operate");
        await view.AssertSoundAsync();

        await view.Page.GetByRole(AriaRole.Button, new() { Name = "Drain node-4" }).ClickAsync();
        await Expect(view.Page.GetByRole(AriaRole.Dialog)).ToContainTextAsync("move to other nodes");
        await view.PictureAsync("console-confirm");
        await view.Page.GetByRole(AriaRole.Button, new() { Name = "Drain", Exact = true }).Last.ClickAsync();
        var row = view.Page.Locator("#nodes tr", new() { HasText = "node-4" });
        await Expect(row).ToContainTextAsync("Draining");
        await view.Page.GetByRole(AriaRole.Button, new() { Name = "Stop draining node-4" }).ClickAsync();
        await view.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Stop draining" }).ClickAsync();
        await Expect(row).ToContainTextAsync("Alive");
        await view.GoAsync("/console/activity");
        await Expect(view.Page.Locator("#events")).ToContainTextAsync("node-4");
        await view.PictureAsync("console-activity");
        await view.AssertSoundAsync();
    }

    [SkippableFact]
    public async Task A_strange_backup_is_shown_and_an_operator_says_that_it_is_fine_after_being_asked()
    {
        var other = console.Cluster.Connect(ClientId.New());
        foreach (var touched in new[] { 0, 3, 2, 4, 190 })
            await ConsoleFixture.TellAsync(other, RunKind.Backup, new RunCounts(0, touched, 0, 200 - touched, 0, 0, 0));
        await using var view = await console.OpenAsync("/console/alarms");
        var row = view.Page.Locator("#clients tr", new() { HasText = other.Client.ToString() });
        await Expect(row).ToContainTextAsync("190 of 200 files changed or deleted");
        await Expect(view.Page.Locator("#alarms")).ToContainTextAsync("changed strangely much");
        await view.PictureAsync("console-alarms");
        await view.AssertSoundAsync();
        var fine = view.Page.GetByRole(AriaRole.Button, new() { Name = $"This is fine: {other.Client}" });
        await fine.ClickAsync();
        await Expect(view.Page.GetByRole(AriaRole.Dialog)).ToContainTextAsync("may drop earlier states for good");
        await view.Page.GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();
        await Expect(row).ToContainTextAsync("Strange");
        await fine.ClickAsync();
        await view.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "This is fine" }).ClickAsync();
        await Expect(row).ToHaveCountAsync(0);
        // And it comes by itself.
        await ConsoleFixture.TellAsync(other, RunKind.Backup, new RunCounts(0, 0, 195, 5, 0, 0, 0));
        await Expect(row).ToContainTextAsync("195 of 200 files changed or deleted");
        await other.AskAsync(n => n.FineAsync(new FineRequest(other.Client), default), default);
        await Expect(row).ToHaveCountAsync(0);
    }

    [SkippableFact]
    public async Task Who_signs_in_with_a_token_sees_its_clients_files_only_and_nothing_once_it_is_revoked()
    {
        AccessToken? token = null;
        var client = ClientId.New();
        var proof = new Enrolment(client, new KeptTokens(() => [], made => token = made, _ => { }, KeptTokens.InMemory.Alone));
        var other = new ClusterConnection(console.Cluster.Addresses(), client, new NodeClients(new ProvingNetwork(proof)));
        await other.UploadAsync(Transfers.File("theirs.txt", 5, 10));
        await using var view = await console.OpenAsync("/console/files");
        await Expect(view.Page.Locator("#files")).ToContainTextAsync("letters/");
        await view.GoAsync("/console/sign-in?ask=true&to=/console/files");
        await view.PictureAsync("console-sign-in");
        await view.Page.Locator("#typed").FillAsync(token!.Reveal());
        await view.Page.Locator("form[action='/console/sign-in'] button").ClickAsync();
        await Expect(view.Page.Locator("#files")).ToContainTextAsync("theirs.txt");
        await Expect(view.Page.Locator("#files")).Not.ToContainTextAsync("letters/");
        // Of the guest's, nothing, even by name.
        Assert.Equal(404, await StatusAsync(view, "/console/download?path=letters/report.pdf&version=1"));
        Assert.Equal(200, await StatusAsync(view, "/console/zip"));

        await other.AskAsync(n => n.RevokeAsync(new RevokeRequest(client, token.Secret.Hash[..16]), default), default);
        await view.Page.Locator("#find").FillAsync("theirs");
        await view.Page.Keyboard.PressAsync("Enter");
        await Expect(view.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("not valid any more");
        Assert.Equal(401, await StatusAsync(view, "/console/zip"));
    }

    [SkippableFact]
    public async Task What_is_no_token_lets_nobody_in()
    {
        await using var view = await console.OpenAsync("/console/sign-in?ask=true");
        // The page has no theme: a colour that only that knows would leave a field that nobody sees.
        await Expect(view.Page.Locator("#typed")).ToHaveCSSAsync("border-top-style", "solid");
        await view.Page.Locator("#typed").FillAsync(AccessToken.New(ClientId.New()).Reveal());
        await view.Page.Locator("form[action='/console/sign-in'] button").ClickAsync();
        await Expect(view.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("does not let you in");
        Assert.Equal(401, await StatusAsync(view, "/console/zip"));
    }

    private static Task<int> StatusAsync(ConsoleView view, string path) => view.Page.EvaluateAsync<int>("path => fetch(path).then(r => r.status)", path);
}
