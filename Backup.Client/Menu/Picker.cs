using Backup.Protocol;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Backup.Client;

/// <summary>One line to pick.</summary>
/// <param name="Label">What is shown and what the filter looks at; it is escaped here.</param>
internal readonly record struct Choice<T>(string Label, T Value);

/// <summary>
/// Lets a person pick one of many lines: typing filters them, arrows move, Enter picks, Esc goes back. All menus are made of it.
/// It shows what fits, also when the terminal changes its size, and works without colour: the line under the cursor bears a
/// mark. Where the cursor cannot be moved (TERM=dumb) the lines bear numbers, and what is typed picks or filters.
/// </summary>
internal sealed class Picker<T>(IAnsiConsole console, string title, IReadOnlyList<Choice<T>> choices)
{
    /// <summary>Title, filter, count, keys, and a line to spare.</summary>
    private const int OtherLines = 6;
    private const int LinesMax = 20;

    /// <summary>The system's signal of another size comes before the console has noticed it: looking is surer.</summary>
    private static readonly TimeSpan SizeLookEvery = TimeSpan.FromMilliseconds(200);

    private int lines = LinesFor(console);
    private (int Width, int Height) size = (console.Profile.Width, console.Profile.Height);
    private string filter = "";
    private List<Choice<T>> shown = [.. choices];
    private int cursor;

    /// <returns>Whether one was picked, and which.</returns>
    public Task<(bool Picked, T? Value)> PickAsync(CancellationToken ct) => console.Profile.Capabilities.Ansi ? PickLiveAsync(ct) : PickByNumberAsync(ct);

    private Task<(bool Picked, T? Value)> PickLiveAsync(CancellationToken ct) => console.Live(Picture()).AutoClear(true).StartAsync(async live =>
    {
        while (true)
        {
            ct.ThrowIfCancellationRequested();
            live.UpdateTarget(Picture());
            live.Refresh();
            var reading = console.Input.ReadKeyAsync(intercept: true, ct);
            while (await Task.WhenAny(reading, Task.Delay(SizeLookEvery, TimeProvider.System, ct)) != reading)
            {
                if (size == (console.Profile.Width, console.Profile.Height))
                    continue;
                // The terminal has broken the old lines anew: nothing of the picture is where it was.
                console.Clear();
                live.UpdateTarget(Picture());
                live.Refresh();
            }
            var key = await reading ?? throw new OperationCanceledException(ct);
            if (key.Key == ConsoleKey.Enter && shown.Count > 0)
                return (true, (T?)shown[cursor].Value);
            if (key.Key == ConsoleKey.Escape && filter.Length == 0)
                return (false, default);
            Handle(key);
        }
    });

    private async Task<(bool Picked, T? Value)> PickByNumberAsync(CancellationToken ct)
    {
        while (true)
        {
            console.Write(new Text(RootedPath.Escape(title) + "\n"));
            for (var i = 0; i < Math.Min(lines, shown.Count); i++)
                console.Write(new Text($"{i + 1,4}  {RootedPath.Escape(shown[i].Label)}\n"));
            if (shown.Count == 0)
                console.Write(new Text("      nothing matches\n"));
            else if (shown.Count > lines)
                console.Write(new Text($"      and {shown.Count - lines} more\n"));
            var answer = await new TextPrompt<string>("A number picks, words filter, Enter alone goes back:").AllowEmpty().ShowAsync(console, ct);
            if (answer.Length == 0 && filter.Length == 0)
                return (false, default);
            if (int.TryParse(answer, out var number) && number >= 1 && number <= Math.Min(lines, shown.Count))
                return (true, shown[number - 1].Value);
            Filter(answer);
        }
    }

    private static int LinesFor(IAnsiConsole console) => Math.Clamp(console.Profile.Height - OtherLines, 3, LinesMax);

    private void Handle(ConsoleKeyInfo key)
    {
        var last = Math.Max(shown.Count - 1, 0);
        switch (key.Key)
        {
            case ConsoleKey.UpArrow:
                cursor = cursor == 0 ? last : cursor - 1;
                break;
            case ConsoleKey.DownArrow:
                cursor = cursor == last ? 0 : cursor + 1;
                break;
            case ConsoleKey.PageUp:
                cursor = Math.Max(cursor - lines, 0);
                break;
            case ConsoleKey.PageDown:
                cursor = Math.Min(cursor + lines, last);
                break;
            case ConsoleKey.Home:
                cursor = 0;
                break;
            case ConsoleKey.End:
                cursor = last;
                break;
            case ConsoleKey.Escape:
                Filter("");
                break;
            case ConsoleKey.Backspace:
                Filter(filter.Length > 0 ? filter[..^1] : "");
                break;
            default:
                if (!char.IsControl(key.KeyChar))
                    Filter(filter + key.KeyChar);
                break;
        }
    }

    /// <summary>Keeps the lines in which every word occurs, in any case.</summary>
    private void Filter(string text)
    {
        filter = text;
        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        shown = [.. choices.Where(choice => words.All(word => choice.Label.Contains(word, StringComparison.OrdinalIgnoreCase)))];
        cursor = 0;
    }

    private Rows Picture()
    {
        size = (console.Profile.Width, console.Profile.Height);
        lines = LinesFor(console);
        var width = size.Width;
        var first = Math.Clamp(cursor - lines / 2, 0, Math.Max(shown.Count - lines, 0));
        var rows = new List<IRenderable> { new Text(Fit(title, width), new Style(decoration: Decoration.Bold)) };
        if (filter.Length > 0)
            rows.Add(new Text(Fit($"  filter: {filter}_", width)));
        for (var i = first; i < Math.Min(first + lines, shown.Count); i++)
        {
            var line = (i == cursor ? "> " : "  ") + RootedPath.Escape(shown[i].Label);
            rows.Add(new Text(Fit(line, width), i == cursor ? new Style(Color.Aqua) : Style.Plain));
        }
        if (shown.Count == 0)
            rows.Add(new Text("  nothing matches"));
        if (shown.Count > lines)
            rows.Add(new Text($"  {cursor + 1} of {shown.Count}"));
        rows.Add(new Text(Fit("  arrows move, type to filter, Enter picks, Esc goes back", width), new Style(decoration: Decoration.Dim)));
        return new Rows(rows);
    }

    private static string Fit(string text, int width) => text.Length < width ? text : text[..Math.Max(width - 2, 1)] + "…";
}
