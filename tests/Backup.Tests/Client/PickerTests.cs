using Backup.Client;
using Spectre.Console.Testing;

namespace Backup.Tests.Client;

/// <summary>The one thing all menus are made of, driven by keys, on the smallest terminal promised and without colour.</summary>
public sealed class PickerTests : IDisposable
{
    private readonly TestConsole console = new TestConsole().Size(new Spectre.Console.Size(80, 24)).Interactive();

    public PickerTests() => console.Profile.Capabilities.Ansi = true;

    public void Dispose() => console.Dispose();

    [Fact]
    public async Task Enter_picks_the_line_under_the_cursor()
    {
        Press(ConsoleKey.DownArrow, ConsoleKey.DownArrow, ConsoleKey.UpArrow, ConsoleKey.Enter);
        Assert.Equal("b", await PickAsync("a", "b", "c"));
    }

    [Fact]
    public async Task The_cursor_goes_round()
    {
        Press(ConsoleKey.UpArrow, ConsoleKey.Enter);
        Assert.Equal("c", await PickAsync("a", "b", "c"));
    }

    [Fact]
    public async Task Typing_keeps_the_lines_in_which_every_word_occurs()
    {
        console.Input.PushText("PDF rep");
        Press(ConsoleKey.Enter);
        Assert.Equal("docs/report.pdf", await PickAsync("report.txt", "other.pdf", "docs/report.pdf"));
    }

    [Fact]
    public async Task Escape_clears_the_filter_and_then_goes_back()
    {
        console.Input.PushText("zzz");
        Press(ConsoleKey.Enter, ConsoleKey.Escape, ConsoleKey.Escape);
        Assert.Null(await PickAsync("a"));
        Assert.Contains("nothing matches", console.Output);
    }

    [Fact]
    public async Task Twenty_thousand_lines_fit_and_the_last_can_be_reached()
    {
        Press(ConsoleKey.End, ConsoleKey.Enter);
        var lines = Enumerable.Range(1, 20_000).Select(i => $"file {i}").ToArray();
        Assert.Equal("file 20000", await PickAsync(lines));
        Assert.Contains("20000 of 20000", console.Output);
    }

    [Fact]
    public async Task A_name_cannot_drive_the_terminal_and_a_long_one_does_not_wrap()
    {
        Press(ConsoleKey.Enter);
        await PickAsync("\u001b[2Jevil [red]" + new string('x', 200));
        Assert.DoesNotContain("\u001b[2J", console.Output);
        Assert.Contains("[red]", console.Output);
        Assert.DoesNotContain(new string('x', 80), console.Output);
    }

    [Fact]
    public async Task Ctrl_c_ends_it()
    {
        using var stop = new CancellationTokenSource();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new Picker<string>(console, "which?", [new Choice<string>("a", "a")]).PickAsync(stop.Token));
    }

    private async Task<string?> PickAsync(params string[] lines) =>
        (await new Picker<string>(console, "which?", [.. lines.Select(line => new Choice<string>(line, line))]).PickAsync(CancellationToken.None)).Value;

    private void Press(params ConsoleKey[] keys)
    {
        foreach (var key in keys)
            console.Input.PushKey(key);
    }
}
