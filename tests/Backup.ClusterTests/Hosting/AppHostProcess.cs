using System.Diagnostics;
using System.Reflection;
using System.Text.RegularExpressions;

namespace Backup.ClusterTests.Hosting;

/// <summary>The AppHost as a person starts it: <c>dotnet run --project Backup.AppHost</c>, a process with processes below it.</summary>
public sealed partial class AppHostProcess : IDisposable
{
    private readonly Process process;
    private readonly List<string> output = [];
    private readonly List<string> errors = [];
    private readonly TaskCompletionSource ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private AppHostProcess(Process process)
    {
        this.process = process;
        process.OutputDataReceived += (_, line) => Keep(output, line.Data);
        process.ErrorDataReceived += (_, line) => Keep(errors, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public int ProcessId => process.Id;

    public int ExitCode => process.ExitCode;

    /// <summary>What it wrote as errors, without empty lines.</summary>
    public IReadOnlyList<string> Errors => Copy(errors);

    public static AppHostProcess Start(params string[] args)
    {
        var configuration = typeof(AppHostProcess).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;
        var command = new ProcessStartInfo("dotnet", ["run", "--no-build", "-c", configuration, "--project", Projects.Backup_AppHost.ProjectPath, "--", .. args])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // The test host's own, which would lead a second dotnet astray.
        foreach (var name in command.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToList())
            command.Environment.Remove(name);
        return new AppHostProcess(Process.Start(command)!);
    }

    /// <summary>Waits for the table of resources, and returns the processes it lists.</summary>
    public async Task<int[]> WaitUntilReadyAsync()
    {
        var first = await Task.WhenAny(ready.Task, process.WaitForExitAsync()).WaitAsync(RunningCluster.PatienceMax);
        Assert.True(first == ready.Task, "It ended: " + string.Join('\n', Copy(errors)));
        return [.. Copy(output).Select(line => ResourceLine().Match(line)).Where(match => match.Success).Select(match => int.Parse(match.Groups[1].Value))];
    }

    /// <summary>Waits for the end of the process, and of reading what it wrote.</summary>
    public Task WaitForExitAsync(TimeSpan patience) => process.WaitForExitAsync().WaitAsync(patience);

    /// <summary>The process <c>dotnet run</c> has started: the AppHost itself. Linux only.</summary>
    public int AppHostProcessId() =>
        Process.GetProcesses().Select(candidate => candidate.Id).First(id => ParentOf(id) == process.Id);

    public void Dispose()
    {
        if (!process.HasExited)
            process.Kill(entireProcessTree: true);
        process.Dispose();
    }

    private static int ParentOf(int processId)
    {
        try
        {
            // "pid (name) state parent …", and a name may hold anything.
            var status = File.ReadAllText($"/proc/{processId}/stat");
            return int.Parse(status[(status.LastIndexOf(')') + 2)..].Split(' ')[1]);
        }
        catch (IOException)
        {
            return -1;
        }
    }

    private static string[] Copy(List<string> lines)
    {
        lock (lines)
            return [.. lines];
    }

    private void Keep(List<string> lines, string? line)
    {
        if (string.IsNullOrWhiteSpace(line))
            return;

        lock (lines)
            lines.Add(line);
        if (line.StartsWith("The cluster is ready", StringComparison.Ordinal))
            ready.TrySetResult();
    }

    [GeneratedRegex(@"^(?:redis|manager|node-\d+) +(?:http://|127\.)\S+ .*?(\d+)$")]
    private static partial Regex ResourceLine();
}
