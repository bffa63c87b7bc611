using System.Text.Json;
using Backup.Client;
using Backup.Protocol;

namespace Backup.Tests.Client;

/// <summary>What a script sees of a command that cannot do its work. What needs a cluster stands in the cluster tests.</summary>
public sealed class ExitCodeTests : IDisposable
{
    /// <summary>Port 9 of this machine: nobody listens there.</summary>
    private const string Nobody = "http://127.0.0.1:9";

    private readonly TestSurroundings machine = new();

    public void Dispose() => machine.Dispose();

    [Theory]
    [InlineData("bogus")]
    [InlineData("restore")]
    [InlineData("restore a")]
    [InlineData("--root")]
    [InlineData("cluster")]
    [InlineData("cluster bogus")]
    [InlineData("versions")]
    [InlineData("where")]
    [InlineData("delete")]
    [InlineData("cat a b")]
    [InlineData("restore a --to x --version one")]
    [InlineData("list --as-of soon --root .")]
    [InlineData("--server ftp://x cluster status")]
    [InlineData("--client xyz --root . list")]
    [InlineData("backup --root . ../outside")]
    [InlineData("backup --root . /etc/passwd")]
    [InlineData("backup")]
    [InlineData("backup --root . --limit fast")]
    [InlineData("backup --root . --limit 1KiB")]
    [InlineData("diff --root .")]
    [InlineData("diff soon --root .")]
    [InlineData("drill --root . --files 0")]
    [InlineData("watch --root . --settle soon")]
    [InlineData("watch")]
    [InlineData("schedule")]
    [InlineData("schedule --root . --at 25:00")]
    [InlineData("schedule --root . --every 3")]
    [InlineData("schedule --root . --every fortnightly")]
    [InlineData("schedule --root . --day 9")]
    [InlineData("schedule --root . --with-retention")]
    [InlineData("init")]
    [InlineData("completion")]
    [InlineData("completion powershell")]
    [InlineData("cluster drain")]
    [InlineData("cluster drain a/b")]
    [InlineData("cluster what-if")]
    [InlineData("cluster events --last 0")]
    [InlineData("cluster rebuild")]
    public async Task A_mistake_is_2_with_an_advice(string line)
    {
        Assert.Equal(ExitCode.Usage, await machine.RunAsync(line.Split(' ')));
        AssertOneFailure();
    }

    [Fact]
    public async Task Without_a_command_and_a_terminal_there_is_an_advice_and_no_menu()
    {
        Assert.Equal(ExitCode.Usage, await machine.RunAsync());
        Assert.Contains("menu", machine.Error);
    }

    [Fact]
    public async Task Nobody_there_is_4()
    {
        Assert.Equal(ExitCode.Unreachable, await machine.RunAsync("--server", Nobody, "cluster", "status"));
        // After two of the five seconds the person learns why nothing happens.
        Assert.StartsWith("waiting for http://127.0.0.1:9: ", machine.Error);
        Assert.Equal(["waiting", "error:", "advice:"], machine.Error.Trim().Split('\n').Select(line => line.Split(' ')[0]));
        Assert.Contains("127.0.0.1:9", machine.Error);
        // The word is what scripts wait for.
        Assert.DoesNotContain("healthy", machine.Error);
    }

    [Fact]
    public async Task A_root_that_is_not_there_is_1()
    {
        Assert.Equal(ExitCode.Failed, await machine.RunAsync("--root", "nowhere", "--server", Nobody, "backup"));
        AssertOneFailure();
    }

    [Fact]
    public async Task Restoring_what_was_never_backed_up_from_here_is_6_and_makes_no_identity()
    {
        Assert.Equal(ExitCode.NotFound, await machine.RunAsync("--root", ".", "restore", "--to", "x"));
        Assert.Contains("--client", machine.Error);
        Assert.False(File.Exists(machine.Folder.At("home/.config/backup/clients.json")));
        Assert.False(Directory.Exists(machine.Folder.At("root/x")));
    }

    [Fact]
    public async Task Listing_what_was_never_backed_up_is_no_failure()
    {
        Assert.Equal(ExitCode.Done, await machine.RunAsync("--root", ".", "list", "--json"));
        Assert.Empty(machine.Out);
    }

    [Fact]
    public async Task Two_backups_of_one_root_at_once_are_refused()
    {
        var client = Identities.FindOrMake(machine.ToSurroundings(), machine.Root);
        using (new CatalogueFolder(machine.ToSurroundings(), client).Lock())
            Assert.Equal(ExitCode.Failed, await machine.RunAsync("--root", ".", "--server", Nobody, "backup"));
        Assert.Contains("under way", machine.Error);
    }

    [Fact]
    public async Task With_json_a_failure_is_json_too()
    {
        Assert.Equal(ExitCode.Usage, await machine.RunAsync("--json", "bogus"));
        Assert.Empty(machine.Out);
        var error = JsonDocument.Parse(machine.Error).RootElement.GetProperty("error");
        Assert.Equal(["code", "message", "culprit", "advice"], error.EnumerateObject().Select(p => p.Name));
        Assert.Equal("invalidRequest", error.GetProperty("code").GetString());
    }

    [Fact]
    public async Task A_name_cannot_drive_the_terminal()
    {
        await machine.RunAsync("backup", "--root", ".", "/\u001b[2J");
        Assert.DoesNotContain('\u001b', machine.Error);
        Assert.Contains("\\u001b", machine.Error);
    }

    [Fact]
    public async Task What_nobody_thought_of_is_one_line_that_names_a_log()
    {
        var surroundings = machine.ToSurroundings() with { Time = new Broken() };
        Assert.Equal((int)ExitCode.Failed, await Cli.RunAsync(["--root", ".", "--server", Nobody, "list", "--as-of", "now"], surroundings, CancellationToken.None));
        AssertOneFailure();
        Assert.DoesNotContain("   at ", machine.Error);
        Assert.Contains("   at ", File.ReadAllText(machine.Folder.At("home/.local/state/backup/errors.log")));
    }

    [Fact]
    public async Task The_version_is_shown()
    {
        Assert.Equal(ExitCode.Done, await machine.RunAsync("--version"));
        Assert.Matches(@"^\d+\.\d+\.\d+\s*$", machine.Out);
    }

    [Fact]
    public void Every_code_of_a_failure_has_an_exit_code_that_is_documented()
    {
        foreach (var code in Enum.GetValues<FailureCode>())
            Assert.Contains($"\n  {(int)ExitCodes.Of(new Failure(code, "", "", ""))} ", ExitCodes.Help);
    }

    private void AssertOneFailure()
    {
        var lines = machine.Error.TrimEnd().Split('\n');
        Assert.Equal(2, lines.Length);
        Assert.StartsWith("error: ", lines[0]);
        Assert.StartsWith("advice: ", lines[1]);
        Assert.Empty(machine.Out);
    }

    private sealed class Broken : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => throw new InvalidTimeZoneException("broken");
    }
}
