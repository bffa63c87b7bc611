using System.CommandLine;
using Backup.Protocol;

namespace Backup.Client;

/// <summary><c>completion SHELL</c></summary>
internal sealed class CompletionCommand : CommandLineCommand
{
    private readonly Argument<string> shell = new("SHELL") { Description = "bash, zsh or fish" };

    public CompletionCommand() : base("completion", "Print a script that completes commands and options in a shell", """
        Examples:
          source <(Backup.Client completion bash)       in ~/.bashrc
          source <(Backup.Client completion zsh)        in ~/.zshrc
          Backup.Client completion fish | source        in config.fish

        The script is complete in itself: it starts nothing when you press Tab.
        """) => Add(shell);

    public override Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        if (run.Report.IsJson)
            throw Failure.InvalidRequest("A script is not JSON.").Exception();
        var name = run.Session.Surroundings.Name;
        var words = CompletionWords.Of(Cli.MakeRoot(new GlobalOptions()));
        run.Session.Surroundings.Out.Write(run.Parsed.GetRequiredValue(shell) switch
        {
            "bash" => CompletionScript.Bash(name, words),
            "zsh" => CompletionScript.Zsh(name, words),
            "fish" => CompletionScript.Fish(name, words),
            var other => throw Failure.InvalidRequest($"'{RootedPath.Escape(other)}' is none of bash, zsh, fish.").Exception(),
        });
        return Task.FromResult(ExitCode.Done);
    }
}
