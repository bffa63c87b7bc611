using System.Diagnostics;

namespace Backup.ClusterTests.Client;

/// <summary>The real client in a real pseudo-terminal, which tmux keeps, shows and changes the size of.</summary>
internal sealed class Terminal : IAsyncDisposable
{
    private const string Tmux = "/usr/bin/tmux";
    private static readonly TimeSpan PollEvery = TimeSpan.FromMilliseconds(100);

    private readonly string socket = $"backup-tests-{Guid.NewGuid():N}";

    public static bool IsThere => File.Exists(Tmux);

    public static void SkipWhereMissing() => Skip.IfNot(IsThere, "tmux is not installed: .ci/run installs it.");

    /// <param name="arguments">As a shell takes them.</param>
    /// <param name="environment">"NAME=value" each.</param>
    public static async Task<Terminal> StartAsync(ClientMachine machine, string arguments, int columns = 80, int rows = 24, params string[] environment)
    {
        var terminal = new Terminal();
        var variables = string.Join(' ', environment.Select(variable => $"'{variable}'"));
        var client = $"env -u NO_COLOR HOME='{machine.Home}' BACKUP_SERVERS='{machine.Servers}' {variables} '{ClientMachine.Program}' --root '{machine.Root}' {arguments}";
        // What the client said, and its exit code, stay on the screen until the test has read them.
        await terminal.RunAsync("-u", "-f", "/dev/null", "new-session", "-d", "-c", machine.Root, "-x", $"{columns}", "-y", $"{rows}", $"trap : INT; {client}; echo \"exit code $?\"; exec sleep 600");
        return terminal;
    }

    /// <summary>Sends keys by tmux's names for them: Enter, Escape, Down, C-c.</summary>
    public Task PressAsync(params string[] keys) => RunAsync(["send-keys", "-t", "0", .. keys]);

    public Task TypeAsync(string text) => RunAsync("send-keys", "-t", "0", "-l", text);

    public Task ResizeAsync(int columns, int rows) => RunAsync("resize-window", "-t", "0", "-x", $"{columns}", "-y", $"{rows}");

    /// <summary>What is to be seen; with <paramref name="escapes"/> in its colours.</summary>
    public Task<string> ScreenAsync(bool escapes = false) => RunAsync(escapes ? ["capture-pane", "-p", "-e", "-t", "0"] : ["capture-pane", "-p", "-t", "0"]);

    /// <summary>Waits until a text is to be seen.</summary>
    public Task<string> WaitForAsync(string text) => WaitForAsync(screen => screen.Contains(text), text);

    public async Task<string> WaitForAsync(Func<string, bool> condition, string what)
    {
        using var patience = new CancellationTokenSource(RunningCluster.PatienceMax);
        while (true)
        {
            var screen = await ScreenAsync();
            if (condition(screen))
                return screen;
            if (patience.IsCancellationRequested)
                Assert.Fail($"'{what}' is not to be seen:\n{screen}");
            await Task.Delay(PollEvery, TimeProvider.System, CancellationToken.None);
        }
    }

    /// <summary>Picks a line of the picker by typing what is in it.</summary>
    public async Task PickAsync(string title, string filter)
    {
        await WaitForAsync(title);
        await TypeAsync(filter);
        await WaitForAsync($"filter: {filter}_");
        await PressAsync("Enter");
    }

    /// <summary>Answers a question with a text, or with its default.</summary>
    public async Task AnswerAsync(string question, string answer = "")
    {
        await WaitForAsync(question);
        if (answer.Length > 0)
            await TypeAsync(answer);
        await PressAsync("Enter");
    }

    /// <summary>Reads what a panel says and leaves it.</summary>
    public async Task<string> ReadPanelAsync(string text)
    {
        await WaitForAsync(screen => screen.Contains("Press a key to go on."), $"the panel with '{text}'");
        var screen = await ScreenAsync();
        Assert.Contains(text, screen);
        await PressAsync("Space");
        return screen;
    }

    public async ValueTask DisposeAsync() => await RunAsync("kill-server");

    private async Task<string> RunAsync(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(Tmux, ["-L", socket, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return said;
    }
}
