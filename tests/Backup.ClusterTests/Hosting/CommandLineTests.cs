using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Backup.ClusterTests.Hosting;

/// <summary>The README's first command: what it leaves behind when it ends, and what it says when it cannot start.</summary>
public sealed class CommandLineTests : IDisposable
{
    /// <summary>What the hosting promises, from the signal to the end of the last process.</summary>
    private static readonly TimeSpan EndTimeMax = TimeSpan.FromSeconds(10);

    private const int Sigterm = 15;
    private const int Sigkill = 9;

    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("backup-cluster-");

    public void Dispose() => directory.Delete(recursive: true);

    [SkippableFact]
    public async Task SigtermEndsEveryProcess()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Signals, and /proc.");
        using var host = Start();
        var resources = await host.WaitUntilReadyAsync();
        Assert.Equal(4, resources.Length);

        int[] processes = [host.AppHostProcessId(), .. resources];
        Assert.Equal(0, Kill(host.ProcessId, Sigterm));
        await AssertEndedAsync(processes);
        // What `dotnet run` itself needs is not promised.
        await host.WaitForExitAsync(RunningCluster.PatienceMax);
    }

    [SkippableFact]
    public async Task NothingOutlivesAKilledAppHost()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Signals, and /proc.");
        using var host = Start();
        var resources = await host.WaitUntilReadyAsync();

        Assert.Equal(0, Kill(host.AppHostProcessId(), Sigkill));
        await AssertEndedAsync(resources);
    }

    [Fact]
    public async Task ASecondClusterOnTheSameDirectoryIsRefused()
    {
        using var first = Start();
        await first.WaitUntilReadyAsync();
        await AssertRefusedAsync("is in use by another running cluster", Arguments);
    }

    [Fact]
    public async Task APortInUseIsNamed()
    {
        // Redis, the manager and four nodes; the first node's port is not free.
        var ports = FreePorts.InARow(6);
        using var taken = new TcpListener(IPAddress.Loopback, ports[2]);
        taken.Start();
        await AssertRefusedAsync($"Port {ports[2]} is in use", $"--Cluster:BasePort={ports[1]}", $"--Cluster:DataDirectory={directory.FullName}");
    }

    [Theory]
    [InlineData("--Cluster:Nodes=many", "Cluster:Nodes=many is not a whole number from 1 to 64.")]
    [InlineData("--Cluster:Nodes=0", "Cluster:Nodes=0 is not a whole number from 1 to 64.")]
    [InlineData("--Cluster:Copies=3", "Cluster:Copies=3 needs as many nodes, and Cluster:Nodes=2.")]
    [InlineData("--Cluster:Redis=sqlite", "Cluster:Redis=sqlite is none of embedded, container, external.")]
    [InlineData("--Cluster:Redis=external", "Cluster:Redis=external needs ConnectionStrings:redis")]
    [InlineData("--Cluster:Replicas=2", "Cluster:Replicas is not a setting.")]
    public async Task ABadValueIsNamed(string argument, string message) =>
        await AssertRefusedAsync(message, [.. Arguments, argument]);

    [Fact]
    public async Task ADirectoryThatCannotBeWrittenIsNamed()
    {
        var file = Path.Combine(directory.FullName, "file");
        await File.WriteAllTextAsync(file, "");
        await AssertRefusedAsync("cannot be written to", "--Cluster:BasePort=0", $"--Cluster:DataDirectory={Path.Combine(file, "data")}");
    }

    private string[] Arguments => ["--Cluster:BasePort=0", "--Cluster:Nodes=2", $"--Cluster:DataDirectory={directory.FullName}"];

    private AppHostProcess Start() => AppHostProcess.Start(Arguments);

    /// <summary>One line, no stack trace, and an exit code that scripts understand.</summary>
    private static async Task AssertRefusedAsync(string message, params string[] args)
    {
        using var host = AppHostProcess.Start(args);
        await host.WaitForExitAsync(RunningCluster.PatienceMax);
        Assert.Contains(message, Assert.Single(host.Errors));
        Assert.NotEqual(0, host.ExitCode);
    }

    private static async Task AssertEndedAsync(int[] processes)
    {
        var since = Stopwatch.StartNew();
        while (processes.Where(IsRunning).ToArray() is { Length: > 0 } left)
        {
            Assert.True(since.Elapsed < EndTimeMax, $"Still running: {string.Join(", ", left)}");
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
        }
    }

    private static bool IsRunning(int processId)
    {
        try
        {
            using var process = Process.GetProcessById(processId);
            return !process.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int Kill(int pid, int signal);
}
