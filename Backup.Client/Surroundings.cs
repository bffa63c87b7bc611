using Spectre.Console;

namespace Backup.Client;

/// <summary>All that the client takes from the machine it runs on, so that a test can run it in process with its own.</summary>
/// <param name="Out">Results.</param>
/// <param name="Error">Failures and notes.</param>
/// <param name="IsTerminal">A person sits at both ends: prompts, colours and progress that redraws are welcome.</param>
/// <param name="Variable">Reads an environment variable; null when it is not set or empty.</param>
/// <param name="CurrentFolder">Its full path, links resolved.</param>
internal sealed record Surroundings(
    TextWriter Out, TextWriter Error, bool IsTerminal, Func<string, string?> Variable, string CurrentFolder, TimeProvider Time)
{
    /// <summary>Raw bytes to where <see cref="Out"/> goes, for file content.</summary>
    public Func<Stream> OpenOutput { get; init; } = Console.OpenStandardOutput;

    /// <summary>Made late: a command whose output is piped never needs it.</summary>
    public Func<bool, IAnsiConsole> MakeConsole { get; init; } = OfProcessConsole;

    public static Surroundings OfProcess() => new(
        Console.Out, Console.Error, !Console.IsInputRedirected && !Console.IsOutputRedirected,
        name => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null,
        Environment.CurrentDirectory, TimeProvider.System);

    private static IAnsiConsole OfProcessConsole(bool colour)
    {
        var settings = new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Out) };
        if (!colour)
            settings.ColorSystem = ColorSystemSupport.NoColors;
        return AnsiConsole.Create(settings);
    }
}
