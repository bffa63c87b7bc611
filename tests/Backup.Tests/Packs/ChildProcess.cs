using System.Diagnostics;

namespace Backup.Tests.Packs;

/// <summary>A real process, with its lines of output as they come.</summary>
internal sealed class ChildProcess : IDisposable
{
    private readonly Process process;
    private readonly List<string> lines = [];

    private ChildProcess(Process process)
    {
        this.process = process;
        process.OutputDataReceived += (_, e) =>
        {
            lock (lines)
            {
                if (e.Data is not null)
                    lines.Add(e.Data);
                Monitor.PulseAll(lines);
            }
        };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public string[] Lines
    {
        get
        {
            lock (lines)
                return [.. lines];
        }
    }

    /// <summary>Starts the pack writer, under another program where one is given.</summary>
    public static ChildProcess PackWriter(string[] arguments, params string[] under)
    {
        string[] all = [.. under, "dotnet", Path.Combine(AppContext.BaseDirectory, "Backup.Tests.PackWriter.dll"), .. arguments];
        return new ChildProcess(Process.Start(new ProcessStartInfo(all[0], all[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!);
    }

    /// <summary>Runs a program to its end and says whether it succeeded.</summary>
    public static bool Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0;
    }

    public void WaitForLine(Func<string, bool> wanted)
    {
        var until = Stopwatch.StartNew();
        lock (lines)
        {
            while (!lines.Any(wanted))
            {
                Assert.True(until.Elapsed < TimeSpan.FromSeconds(60), "The child process did not say what was waited for: " + string.Join(", ", lines));
                Monitor.Wait(lines, TimeSpan.FromSeconds(1));
            }
        }
    }

    public string[] WaitForEnd()
    {
        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(120)), "The child process does not end.");
        process.WaitForExit();
        return Lines;
    }

    /// <summary>SIGKILL.</summary>
    public void Kill()
    {
        process.Kill();
        WaitForEnd();
    }

    public void EndInput() => process.StandardInput.Close();

    public void Dispose()
    {
        if (!process.HasExited)
            process.Kill(entireProcessTree: true);
        process.Dispose();
    }
}
