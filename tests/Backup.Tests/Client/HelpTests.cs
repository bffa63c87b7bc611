using System.Runtime.CompilerServices;
using Backup.Client;

namespace Backup.Tests.Client;

/// <summary>
/// The help of each command, word for word, so that a change to it is seen. After an intended one:
/// <c>BACKUP_GOLDEN=write dotnet test tests/Backup.Tests --filter HelpTests</c>.
/// </summary>
public sealed class HelpTests
{
    [Theory]
    [InlineData("")]
    [InlineData("backup")]
    [InlineData("list")]
    [InlineData("versions")]
    [InlineData("restore")]
    [InlineData("cat")]
    [InlineData("where")]
    [InlineData("find")]
    [InlineData("delete")]
    [InlineData("undelete")]
    [InlineData("snapshot")]
    [InlineData("snapshot create")]
    [InlineData("snapshot list")]
    [InlineData("snapshot delete")]
    [InlineData("retention")]
    [InlineData("retention preview")]
    [InlineData("retention apply")]
    [InlineData("retention undo")]
    [InlineData("cluster")]
    [InlineData("cluster status")]
    [InlineData("settings")]
    [InlineData("init")]
    [InlineData("watch")]
    [InlineData("schedule")]
    [InlineData("diff")]
    [InlineData("verify")]
    [InlineData("drill")]
    [InlineData("doctor")]
    [InlineData("completion")]
    [InlineData("cluster nodes")]
    [InlineData("cluster events")]
    [InlineData("cluster drain")]
    [InlineData("cluster undrain")]
    [InlineData("cluster repair")]
    [InlineData("cluster rebalance")]
    [InlineData("cluster what-if")]
    [InlineData("cluster rebuild")]
    [InlineData("cluster clients")]
    [InlineData("cluster fine")]
    [InlineData("cluster quota")]
    [InlineData("runs")]
    [InlineData("key")]
    [InlineData("key status")]
    [InlineData("key unlock")]
    [InlineData("key passphrase")]
    [InlineData("key recovery")]
    public async Task The_help_is_as_it_was(string command)
    {
        using var machine = new TestSurroundings();
        string[] words = command.Length == 0 ? [] : command.Split(' ');
        Assert.Equal(ExitCode.Done, await machine.RunAsync([.. words, "--help"]));
        Assert.Empty(machine.Error);
        var help = string.Join('\n', machine.Out.Split('\n').Select(line => line.TrimEnd()));
        Assert.All(help.Split('\n'), line => Assert.True(line.Length <= 80, line));
        var golden = Path.Join(GoldenFolder(), (command.Length == 0 ? "root" : command.Replace(' ', '-')) + ".txt");
        if (Environment.GetEnvironmentVariable("BACKUP_GOLDEN") == "write")
            File.WriteAllText(golden, help);
        Assert.Equal(File.ReadAllText(golden), help);
    }

    /// <summary>A command whose help nobody looks at would be found by nobody.</summary>
    [Fact]
    public void Every_command_has_a_golden_help()
    {
        var missing = CompletionWords.Of(Cli.MakeRoot(new GlobalOptions())).Select(words => words.Path.Length == 0 ? "root" : words.Path.Replace(' ', '-'))
            .Where(name => !File.Exists(Path.Join(GoldenFolder(), name + ".txt")));
        Assert.Empty(missing);
    }

    [Fact]
    public async Task The_help_names_the_client_as_it_is_called()
    {
        using var machine = new TestSurroundings();
        await Cli.RunAsync(["restore", "--help"], machine.ToSurroundings() with { Name = "backup" }, CancellationToken.None);
        Assert.Contains("\n  backup restore --to /tmp/back ", machine.Out);
        Assert.DoesNotContain("Backup.Client", machine.Out);
    }

    [Fact]
    public async Task Help_is_a_command_too()
    {
        using var machine = new TestSurroundings();
        using var other = new TestSurroundings();
        await machine.RunAsync("help", "cluster", "status");
        await other.RunAsync("cluster", "status", "--help");
        Assert.Equal(other.Out, machine.Out);
    }

    private static string GoldenFolder([CallerFilePath] string here = "") => Path.Join(Path.GetDirectoryName(here), "Help");
}
