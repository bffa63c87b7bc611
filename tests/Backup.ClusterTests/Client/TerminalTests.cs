using System.Text.RegularExpressions;

namespace Backup.ClusterTests.Client;

/// <summary>What a person sees who sits before the client: every way through the menu, at 80×24, in other sizes, without colour, and with Ctrl-C.</summary>
[Collection(ClusterCollection.Name)]
public sealed class TerminalTests : IDisposable
{
    private const string Main = "Backup of ";

    private readonly ClientMachine machine;

    public TerminalTests(ClusterFixture fixture)
    {
        machine = new ClientMachine(fixture.Cluster);
        machine.Write("notes/todo.txt", "to do");
        machine.Write("photos/sunset.png", Payload.Bytes(1, 50_000));
        machine.Write("report.pdf", Payload.Bytes(2, 700));
    }

    public void Dispose() => machine.Dispose();

    [SkippableFact]
    public async Task A_file_is_backed_up_browsed_deleted_and_restored()
    {
        Terminal.SkipWhereMissing();
        await using var terminal = await Terminal.StartAsync(machine, "");
        await terminal.PickAsync(Main, "a file");
        await terminal.PickAsync("Which file?", "sun");
        await terminal.ReadPanelAsync("photos/sunset.png  version");

        await terminal.PickAsync(Main, "everything");
        await terminal.ReadPanelAsync("1 unchanged");

        await terminal.PickAsync(Main, "Browse");
        await terminal.PickAsync("What is stored: /", "photos");
        await terminal.PickAsync("What is stored: /photos", "sunset");
        var where = await terminal.ReadPanelAsync("Where it lies");
        Assert.Contains("primary", where);
        Assert.Contains("Versions", where);
        await terminal.WaitForAsync("What is stored: /photos");
        await terminal.PressAsync("Escape");

        await terminal.PickAsync(Main, "Delete");
        await terminal.PickAsync("Delete what?", "report");
        await terminal.AnswerAsync("is deleted?", "y");
        await terminal.ReadPanelAsync("1 file; restore");

        await terminal.PickAsync(Main, "Restore");
        await terminal.AnswerAsync("As of which time?");
        await terminal.PickAsync("Restore what?", "[everything]");
        await terminal.AnswerAsync("Into which folder?", machine.At("back"));
        await terminal.AnswerAsync("Replace files that exist there?");
        await terminal.ReadPanelAsync("restored 2 files");
        Assert.Equal(Payload.Bytes(1, 50_000), await File.ReadAllBytesAsync(machine.At("back/photos/sunset.png")));
        Assert.False(File.Exists(machine.At("back/report.pdf")));
        await terminal.PickAsync(Main, "Quit");
        await terminal.WaitForAsync("exit code 0");
    }

    [SkippableFact]
    public async Task What_is_stored_is_verified_named_scheduled_and_looked_after()
    {
        Terminal.SkipWhereMissing();
        (await machine.RunAsync("backup")).Expect(Backup.Client.ExitCode.Done);
        await using var terminal = await Terminal.StartAsync(machine, "");
        await terminal.PickAsync(Main, "Verify");
        await terminal.PickAsync("Verify", "every byte");
        await terminal.ReadPanelAsync("read and good");
        await terminal.PickAsync(Main, "Verify");
        await terminal.PickAsync("Verify", "drill: restore");
        await terminal.ReadPanelAsync("3 of 3 files came back");

        await terminal.PickAsync(Main, "Snapshots");
        await terminal.PickAsync("Snapshots", "create");
        await terminal.AnswerAsync("Which name?", "before-it");
        await terminal.AnswerAsync("As of which time?");
        await terminal.AnswerAsync("Pinned until when?");
        await terminal.ReadPanelAsync("before-it");
        await terminal.PickAsync(Main, "Snapshots");
        await terminal.PickAsync("Snapshots", "list");
        await terminal.ReadPanelAsync("before-it");

        await terminal.PickAsync(Main, "Schedule");
        await terminal.PickAsync("Back up this root how often?", "daily");
        await terminal.AnswerAsync("At what time?");
        await terminal.ReadPanelAsync("systemctl --user");

        await terminal.PickAsync(Main, "Cluster");
        await terminal.WaitForAsync("4 of 4 nodes alive");
        await terminal.PickAsync("Look again", "what happened");
        await terminal.ReadPanelAsync("joined the cluster");
        await terminal.PickAsync("Look again", "death");
        await terminal.PickAsync("Which node?", "node-2");
        await terminal.ReadPanelAsync("node-2 holds copies of");
        await terminal.PickAsync("Look again", "repair");
        await terminal.ReadPanelAsync("looked at");
        await terminal.WaitForAsync("Look again");
        await terminal.PressAsync("Escape");

        await terminal.PickAsync(Main, "Retention");
        await terminal.PickAsync("Retention", "preview");
        foreach (var what in new[] { "last snapshots", "hours", "days", "weeks", "months", "years" })
            await terminal.AnswerAsync($"Keep how many {what}?", what == "hours" ? "3" : "");
        await terminal.ReadPanelAsync("stays");

        await terminal.PickAsync(Main, "Settings");
        await terminal.WaitForAsync("Change what?");
        Assert.Contains("servers", await terminal.ScreenAsync());
        await terminal.PressAsync("Escape");
        await terminal.WaitForAsync(Main);
        await terminal.PressAsync("Escape");
        await terminal.WaitForAsync("exit code 0");
    }

    [SkippableFact]
    public async Task The_picker_fits_the_terminal_whatever_becomes_of_its_size()
    {
        Terminal.SkipWhereMissing();
        for (var i = 0; i < 60; i++)
            machine.Write($"many/a file with a name that is long enough to be cut off where it is narrow {i:d2}", "x");
        await using var terminal = await Terminal.StartAsync(machine, "");
        await terminal.PickAsync(Main, "a file");
        await terminal.WaitForAsync("1 of 66");
        foreach (var (columns, rows) in new[] { (40, 12), (120, 40), (80, 24) })
        {
            await terminal.ResizeAsync(columns, rows);
            await terminal.PressAsync("Down");
            var screen = await terminal.WaitForAsync(
                shown => shown.TrimEnd().Split('\n') is var lines && lines.Count(line => line.StartsWith("> ", StringComparison.Ordinal)) == 1
                    && lines.Count(line => line.StartsWith("Which file?", StringComparison.Ordinal)) == 1 && shown.Contains("of 66") && shown.Contains("type to"), $"the picker at {columns}×{rows}");
            Assert.All(screen.Split('\n'), line => Assert.True(line.Length <= columns, line));
        }
        await terminal.PressAsync("C-c");
        await terminal.WaitForAsync("exit code 130");
    }

    [SkippableTheory]
    [InlineData("NO_COLOR=1", "")]
    [InlineData("BACKUP=", "--no-color")]
    public async Task Without_colour_there_is_none(string variable, string option)
    {
        Terminal.SkipWhereMissing();
        await using var terminal = await Terminal.StartAsync(machine, option, environment: variable);
        await terminal.WaitForAsync("> Back up a file");
        Assert.DoesNotMatch("\u001b\\[[0-9;]*(3[0-7]|38|9[0-7])[0-9;]*m", await terminal.ScreenAsync(escapes: true));
    }

    [SkippableFact]
    public async Task On_a_dumb_terminal_lines_bear_numbers()
    {
        Terminal.SkipWhereMissing();
        await using var terminal = await Terminal.StartAsync(machine, "", environment: "TERM=dumb");
        await terminal.WaitForAsync("   1  Back up a file");
        await terminal.AnswerAsync("goes back:", "1");
        await terminal.WaitForAsync("Which file?");
        await terminal.AnswerAsync("goes back:", "sunset");
        await terminal.WaitForAsync("   1  photos/sunset.png");
        await terminal.AnswerAsync("goes back:", "1");
        await terminal.ReadPanelAsync("photos/sunset.png  version");
    }

    [SkippableFact]
    public async Task Ctrl_C_once_finishes_what_is_under_way_and_twice_ends_at_once()
    {
        Terminal.SkipWhereMissing();
        machine.Write("large", Payload.Bytes(5, 120 << 20));
        await using (var terminal = await Terminal.StartAsync(machine, "backup --limit 4MiB"))
        {
            // Segments are on their way, which at this pace take some seconds to arrive.
            await terminal.WaitForAsync(screen => Regex.IsMatch(screen, "(1[89]|[2-9][0-9]) MiB of 120 MiB"), "more than a segment");
            await terminal.PressAsync("C-c");
            await terminal.WaitForAsync("Stopping.");
            await terminal.PressAsync("C-c");
            await terminal.WaitForAsync("exit code 130");
            Assert.DoesNotContain("stopped before the end", await terminal.ScreenAsync());
        }
        await using (var terminal = await Terminal.StartAsync(machine, "backup --limit 16MiB"))
        {
            await terminal.WaitForAsync(" left");
            await terminal.PressAsync("C-c");
            await terminal.WaitForAsync("stopped before the end");
            await terminal.WaitForAsync("exit code 130");
        }
        (await machine.RunAsync("backup")).Expect(Backup.Client.ExitCode.Done);
        (await machine.RunAsync("verify", "--read-data")).Expect(Backup.Client.ExitCode.Done);
    }
}
