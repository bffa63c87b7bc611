using Microsoft.Win32.SafeHandles;
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
    /// <summary>What it is called where nothing else is known.</summary>
    public const string Product = "Backup.Client";

    /// <summary>What starts this client again from anywhere: a program and, where that is the runtime, what it runs.</summary>
    public IReadOnlyList<string> Command { get; init; } = OfProcessCommand();

    /// <summary>What a person types to start it.</summary>
    public string Name { get; init; } = Product;

    /// <summary>The terminal can move its cursor; a dumb one prints line after line.</summary>
    public bool CanRedraw => IsTerminal && Variable("TERM") is not (null or "dumb");

    /// <summary>Raw bytes to where <see cref="Out"/> goes, for file content.</summary>
    public Func<Stream> OpenOutput { get; init; } = OfProcessOutput;

    /// <summary>Made late: a command whose output is piped never needs it.</summary>
    public Func<bool, IAnsiConsole> MakeConsole { get; init; } = OfProcessConsole;

    public static Surroundings OfProcess()
    {
        var isTerminal = !Console.IsInputRedirected && !Console.IsOutputRedirected;
        return new Surroundings(
            Console.IsOutputRedirected ? StandardStreams.Results() : Console.Out, StandardStreams.Notes(), isTerminal,
            name => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null,
            Environment.CurrentDirectory, TimeProvider.System)
        {
            Name = OfProcessName(),
        };
    }

    private static IReadOnlyList<string> OfProcessCommand()
    {
        var program = Environment.ProcessPath ?? Product;
        var assembly = Path.Join(AppContext.BaseDirectory, Product + ".dll");
        return IsRuntime(program) ? [program, assembly] : [program];
    }

    /// <summary>Installed as a tool, or renamed, it goes by that name in its own help.</summary>
    private static string OfProcessName() => Environment.ProcessPath is { } program && !IsRuntime(program) ? Path.GetFileName(program) : Product;

    private static bool IsRuntime(string program) => Path.GetFileNameWithoutExtension(program) is "dotnet" or "testhost";

    /// <summary>Unlike the console's own stream, this one fails when nobody reads any more, which ends a needless download.</summary>
    private static Stream OfProcessOutput() => OperatingSystem.IsWindows() ? Console.OpenStandardOutput()
        : new FileStream(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, bufferSize: 0);

    private static IAnsiConsole OfProcessConsole(bool colour)
    {
        var settings = new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Out) };
        if (!colour)
            settings.ColorSystem = ColorSystemSupport.NoColors;
        return AnsiConsole.Create(settings);
    }
}
