using System.Text.Json;
using Backup.Client;

namespace Backup.Tests.Client;

/// <summary>What the doctor says of a machine and a root; of the cluster, that nobody is there.</summary>
public sealed class DoctorTests : IDisposable
{
    private const string Nobody = "http://127.0.0.1:9";

    private readonly TestSurroundings machine = new();

    public void Dispose() => machine.Dispose();

    [Fact]
    public async Task Each_finding_says_where_and_what_to_do()
    {
        machine.Folder.File("root/a");
        machine.Folder.Shell("mkfifo root/pipe");
        Assert.Equal(ExitCode.Failed, await machine.RunAsync("--root", ".", "--server", Nobody, "doctor", "--json"));
        var findings = machine.Out.Trim().Split('\n').Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal(["cluster", "machine", "root"], findings.Select(f => f.GetProperty("area").GetString()).Distinct().Order());
        Assert.All(findings, f => Assert.Equal(f.GetProperty("state").GetString() != "fine", f.TryGetProperty("advice", out _)));
        Assert.Contains(findings, f => f.GetProperty("message").GetString()!.Contains("FIFO"));
        Assert.Contains(findings, f => f.GetProperty("area").GetString() == "cluster" && f.GetProperty("state").GetString() == "wrong");
        Assert.DoesNotContain(findings, f => f.GetProperty("area").GetString() == "root" && f.GetProperty("state").GetString() == "wrong");
    }

    [Fact]
    public async Task Quiet_leaves_out_what_is_well()
    {
        await machine.RunAsync("--server", Nobody, "doctor", "--quiet");
        Assert.DoesNotContain("ok ", machine.Out);
        Assert.Contains("no root directory is named", machine.Out);
    }

    [Fact]
    public async Task A_home_that_cannot_be_written_is_wrong_with_the_machine()
    {
        machine.Folder.File("home/.cache", "a file");
        await machine.RunAsync("--root", ".", "--server", Nobody, "doctor");
        Assert.Contains("wrong   machine  cache:", machine.Out);
    }
}
