namespace Backup.ClusterTests.Client;

/// <summary>The ways through the menu that <see cref="TerminalTests"/> does not take: each is gone by keys, and what it did is looked at from outside.</summary>
[Collection(ClusterCollection.Name)]
public sealed class MenuPathTests : IDisposable
{
    private const string Main = "Backup of ";

    private readonly ClusterFixture fixture;
    private readonly ClientMachine machine;

    public MenuPathTests(ClusterFixture fixture)
    {
        this.fixture = fixture;
        machine = new ClientMachine(fixture.Cluster);
        machine.Write("report.txt", "first");
    }

    public void Dispose() => machine.Dispose();

    [SkippableFact]
    public async Task A_snapshot_is_restored_and_deleted()
    {
        Terminal.SkipWhereMissing();
        (await machine.RunAsync("backup")).Expect(Backup.Client.ExitCode.Done);
        (await machine.RunAsync("snapshot", "create", "good-one")).Expect(Backup.Client.ExitCode.Done);
        machine.Write("report.txt", "second, and longer");
        (await machine.RunAsync("backup")).Expect(Backup.Client.ExitCode.Done);
        await using var terminal = await Terminal.StartAsync(machine, "");
        await terminal.PickAsync(Main, "Snapshots");
        await terminal.PickAsync("Snapshots", "restore");
        await terminal.PickAsync("As of which?", "good-one");
        await terminal.PickAsync("Restore what?", "[everything]");
        await terminal.AnswerAsync("Into which folder?", machine.At("back"));
        await terminal.AnswerAsync("Replace files that exist there?");
        await terminal.ReadPanelAsync("restored 1 file");
        Assert.Equal("first", await File.ReadAllTextAsync(machine.At("back/report.txt")));

        await terminal.PickAsync(Main, "Snapshots");
        await terminal.PickAsync("Snapshots", "delete");
        await terminal.PickAsync("Delete which?", "good-one");
        await terminal.AnswerAsync("Delete the snapshot 'good-one'?", "y");
        await terminal.ReadPanelAsync("Deleted good-one.");
        Assert.DoesNotContain("good-one", (await machine.RunAsync("snapshot", "list")).Expect(Backup.Client.ExitCode.Done).Out);
    }

    [SkippableFact]
    public async Task Retention_is_applied_after_a_look_and_undone()
    {
        Terminal.SkipWhereMissing();
        foreach (var text in new[] { "one", "two, which is longer" })
        {
            machine.Write("report.txt", text);
            (await machine.RunAsync("backup")).Expect(Backup.Client.ExitCode.Done);
        }
        await using var terminal = await Terminal.StartAsync(machine, "");
        await terminal.PickAsync(Main, "Retention");
        await terminal.PickAsync("Retention", "apply");
        foreach (var what in new[] { "last snapshots", "hours", "days", "weeks", "months", "years" })
            await terminal.AnswerAsync($"Keep how many {what}?", what == "last snapshots" ? "1" : "0");
        await terminal.WaitForAsync("drops 1 snapshot and 1 version");
        await terminal.AnswerAsync("Drop them?", "y");
        await terminal.ReadPanelAsync("dropped 1 snapshot and 1 version");
        Assert.Single((await machine.RunAsync("versions", "report.txt", "--json")).JsonLines);
        await terminal.PickAsync(Main, "Retention");
        await terminal.PickAsync("Retention", "undo");
        await terminal.ReadPanelAsync("brought back 2 snapshots and 1 version");
        Assert.Equal(2, (await machine.RunAsync("versions", "report.txt", "--json")).JsonLines.Length);
    }

    [SkippableFact]
    public async Task Nodes_are_emptied_kept_after_all_and_evened_and_clients_are_seen()
    {
        Terminal.SkipWhereMissing();
        (await machine.RunAsync("backup")).Expect(Backup.Client.ExitCode.Done);
        await using var terminal = await Terminal.StartAsync(machine, "");
        await terminal.PickAsync(Main, "Cluster");
        foreach (var (question, state) in new[] { ("Empty node-4, so that it can be taken away?", "draining"), ("Let node-4 take files again?", "alive") })
        {
            await terminal.PickAsync("Look again", "empty a node");
            await terminal.PickAsync("Which node?", "node-4");
            await terminal.AnswerAsync(question, "y");
            await terminal.ReadPanelAsync("node-4");
            var nodes = (await machine.RunAsync("cluster", "nodes", "--json")).Expect(Backup.Client.ExitCode.Done).JsonLines;
            Assert.Equal(state, nodes.Single(node => node.GetProperty("id").GetString() == "node-4").GetProperty("state").GetString());
        }
        await terminal.PickAsync("Look again", "rebalance");
        await terminal.WaitForAsync("holds the fewest files");
        await terminal.AnswerAsync("Move files?", "y");
        await terminal.ReadPanelAsync("looked at");
        await terminal.PickAsync("Look again", "clients");
        await terminal.ReadPanelAsync("last backup");
        await terminal.WaitForAsync("Look again");
        await terminal.PressAsync("Escape");
        await terminal.WaitForAsync(Main);
    }

    [SkippableFact]
    public async Task A_weekly_timer_is_written_and_taken_away_and_the_drills_are_listed()
    {
        Terminal.SkipWhereMissing();
        (await machine.RunAsync("backup")).Expect(Backup.Client.ExitCode.Done);
        (await machine.RunAsync("drill")).Expect(Backup.Client.ExitCode.Done);
        await using var terminal = await Terminal.StartAsync(machine, "");
        await terminal.PickAsync(Main, "Schedule");
        await terminal.PickAsync("Back up this root how often?", "weekly");
        await terminal.AnswerAsync("At what time?", "04:15");
        await terminal.ReadPanelAsync("systemctl --user");
        var timer = Assert.Single(Directory.GetFiles(Path.Join(machine.Home, ".config/systemd/user"), "*.timer"));
        Assert.Contains("Sun *-*-* 04:15", await File.ReadAllTextAsync(timer));
        await terminal.PickAsync(Main, "Schedule");
        await terminal.PickAsync("This root has a timer.", "never");
        await terminal.ReadPanelAsync("removed");
        Assert.False(File.Exists(timer));

        await terminal.PickAsync(Main, "Verify");
        await terminal.PickAsync("Verify", "ask the nodes");
        await terminal.ReadPanelAsync("good");
        await terminal.PickAsync(Main, "Verify");
        await terminal.PickAsync("Verify", "the drills there were");
        await terminal.ReadPanelAsync("compared");
    }

    [SkippableFact]
    public async Task The_root_and_the_servers_are_changed_in_the_settings()
    {
        Terminal.SkipWhereMissing();
        var other = Directory.CreateDirectory(machine.At("other-root")).FullName;
        await File.WriteAllTextAsync(Path.Join(other, "elsewhere.txt"), "x");
        await using var terminal = await Terminal.StartAsync(machine, "");
        await terminal.PickAsync(Main, "Settings");
        await terminal.PickAsync("Change what?", "the root");
        await terminal.AnswerAsync("Which folder holds the files to back up?", other);
        await terminal.WaitForAsync($"Backup of {other}");
        await terminal.PickAsync(Main, "Settings");
        await terminal.PickAsync("Change what?", "the servers");
        var server = fixture.Cluster.NodeAddress(2).GetLeftPart(UriPartial.Authority);
        await terminal.AnswerAsync("At which addresses are the nodes?", server);
        await terminal.PickAsync(Main, "everything");
        await terminal.ReadPanelAsync("backed up 1 file");
        var written = await File.ReadAllTextAsync(Path.Join(machine.Home, ".config/backup/backup.json"));
        Assert.Contains(other, written);
        Assert.Contains(server, written);
        await terminal.PickAsync(Main, "Settings");
        await terminal.PickAsync("Change what?", "nothing");
        await terminal.WaitForAsync(Main);
    }
}
