using Backup.Protocol;
using Spectre.Console;

namespace Backup.Client;

/// <summary>What the menu shows and asks, in one manner throughout.</summary>
internal sealed class Screen(IAnsiConsole console)
{
    private const int ProblemsShown = 10;

    public IAnsiConsole Console => console;

    public async Task<T?> PickAsync<T>(string title, IReadOnlyList<Choice<T>> choices, CancellationToken ct) where T : class =>
        (await new Picker<T>(console, title, choices).PickAsync(ct)).Value;

    public Task<bool> ConfirmAsync(string question, CancellationToken ct) =>
        new ConfirmationPrompt(Markup.Escape(question)) { DefaultValue = false }.ShowAsync(console, ct);

    /// <returns>What was typed; empty when only Enter was pressed and there is no default.</returns>
    public Task<string> AskAsync(string question, string defaultAnswer, CancellationToken ct)
    {
        var prompt = new TextPrompt<string>(Markup.Escape(question)).AllowEmpty();
        if (defaultAnswer.Length > 0)
            prompt.DefaultValue(defaultAnswer);
        return prompt.ShowAsync(console, ct);
    }

    public Task<string> AskSecretAsync(string question, CancellationToken ct) =>
        new TextPrompt<string>(Markup.Escape(question)).Secret(null).ShowAsync(console, ct);

    public void Panel(string title, IEnumerable<string> lines) => console.Write(
        new Panel(new Rows(lines.Select(line => new Text(line)))) { Header = new PanelHeader(Markup.Escape(title)), Border = BoxBorder.Rounded, Expand = false });

    public void Line(string text) => console.Write(new Text(text + "\n"));

    public void Problems(IReadOnlyList<Failure> problems)
    {
        if (problems.Count == 0)
            return;
        var lines = problems.Take(ProblemsShown).SelectMany(problem => new[] { RootedPath.Escape(problem.Message), $"  {RootedPath.Escape(problem.Advice)}" });
        Panel("Problems", problems.Count > ProblemsShown ? lines.Append($"… and {problems.Count - ProblemsShown} more") : lines);
    }

    /// <summary>As many lines as a person reads, and how many more there are.</summary>
    public IEnumerable<string> Some<T>(IReadOnlyList<T> all, Func<T, string> line, long count) =>
        all.Take(ProblemsShown).Select(line).Concat(count > ProblemsShown ? [$"… and {count - ProblemsShown} more"] : []);

    public void Failed(Failure failure) => Panel("It could not be done", [RootedPath.Escape(failure.Message), RootedPath.Escape(failure.Advice)]);

    /// <summary>Leaves what is on the screen there until the person has read it.</summary>
    public async Task PauseAsync(CancellationToken ct)
    {
        Line("Press a key to go on.");
        await console.Input.ReadKeyAsync(intercept: true, ct);
        if (console.Profile.Capabilities.Ansi)
            console.Clear();
    }
}
