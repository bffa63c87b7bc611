using System.Diagnostics;
using Backup.Client;

namespace Backup.Tests.Client;

/// <summary>The completion scripts, loaded by the real shells where these are there.</summary>
public sealed class CompletionTests : IDisposable
{
    private readonly TestSurroundings machine = new();

    public void Dispose() => machine.Dispose();

    [SkippableTheory]
    [InlineData("", "backup", "cluster", "--root")]
    [InlineData("cluster ", "drain", "rebuild")]
    [InlineData("clu", "cluster")]
    [InlineData("restore --", "--as-of", "--to", "--json")]
    [InlineData("--root clu", "clues.txt")]
    [InlineData("--server x cluster what", "what-if")]
    [InlineData("backup clu", "clues.txt")]
    public async Task Bash_completes(string line, params string[] expected)
    {
        Skip.IfNot(File.Exists("/bin/bash"), "bash is not installed.");
        await machine.RunAsync("completion", "bash");
        machine.Folder.File("complete.sh", machine.Out);
        machine.Folder.File("root/clues.txt");
        string[] words = ["Backup.Client", .. line.Split(' ')];
        var quoted = string.Join(' ', words.Select(word => $"'{word}'"));
        var found = Run("/bin/bash", $". '{machine.Folder.At("complete.sh")}'; COMP_WORDS=({quoted}); COMP_CWORD={words.Length - 1}; _Backup_Client; printf '%s\\n' \"${{COMPREPLY[@]}}\"");
        Assert.Subset(found.Split('\n').ToHashSet(), expected.ToHashSet());
        if (words[^1].Length > 0)
            Assert.All(found.Trim().Split('\n'), word => Assert.StartsWith(words[^1], word));
    }

    [SkippableTheory]
    [InlineData("zsh", "/usr/bin/zsh", "-n")]
    [InlineData("fish", "/usr/bin/fish", "--no-execute")]
    public async Task Others_can_read_theirs(string shell, string program, string check)
    {
        await machine.RunAsync("completion", shell);
        Assert.Contains("rebuild", machine.Out);
        Skip.IfNot(File.Exists(program), $"{shell} is not installed.");
        var script = machine.Folder.File("script", machine.Out);
        Run(program, script, check);
    }

    private string Run(string program, string text, string how = "-c")
    {
        using var process = Process.Start(new ProcessStartInfo(program, [how, text]) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = machine.Root })!;
        var (said, error) = (process.StandardOutput.ReadToEnd(), process.StandardError.ReadToEnd());
        process.WaitForExit();
        Assert.Empty(error);
        return said;
    }
}
