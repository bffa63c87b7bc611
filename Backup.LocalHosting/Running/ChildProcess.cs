using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Backup.LocalHosting;

/// <summary>
/// A process that ends with this one. Its standard input is a pipe that stays open here and is never written to:
/// the system closes it when this process ends, however it ends, and the child takes that for its own end (the
/// service defaults watch for it when <c>BACKUP_EXIT_WITH_PARENT</c> is set).
/// </summary>
internal sealed class ChildProcess : IDisposable
{
    private const int Sigterm = 15;

    private readonly Process process;

    private ChildProcess(Process process)
    {
        this.process = process;
        Id = process.Id;
        Exited = WaitAsync(process);
    }

    public int Id { get; }

    /// <summary>The exit code, once the process has ended and all it wrote has been passed on.</summary>
    public Task<int> Exited { get; }

    /// <summary>
    /// A command with the environment of this process, but for what <c>dotnet run</c> and test hosts put there for
    /// the AppHost alone: its own address, the dashboard's settings.
    /// </summary>
    public static ProcessStartInfo Command(string program, IEnumerable<string> arguments)
    {
        var command = new ProcessStartInfo(program, arguments);
        foreach (var name in command.Environment.Keys.Where(IsForTheAppHost).ToList())
            command.Environment.Remove(name);
        return command;

        static bool IsForTheAppHost(string name) =>
            name.StartsWith("ASPNETCORE_", StringComparison.Ordinal) || name.StartsWith("ASPIRE_", StringComparison.Ordinal) || name == "DOTNET_LAUNCH_PROFILE";
    }

    public static ChildProcess Start(ProcessStartInfo command, Action<string, bool> line)
    {
        command.RedirectStandardInput = true;
        command.RedirectStandardOutput = true;
        command.RedirectStandardError = true;
        command.Environment["BACKUP_EXIT_WITH_PARENT"] = "1";
        var process = Process.Start(command) ?? throw new DistributedApplicationException($"{command.FileName} did not start.");
        process.OutputDataReceived += (_, data) => Pass(data.Data, false);
        process.ErrorDataReceived += (_, data) => Pass(data.Data, true);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return new ChildProcess(process);

        void Pass(string? text, bool isError)
        {
            if (text is not null)
                line(text, isError);
        }
    }

    /// <summary>Asks the process to end, and kills it when it has not within the time given.</summary>
    public async Task StopAsync(TimeSpan patience, TimeProvider time)
    {
        if (OperatingSystem.IsWindows())
            process.StandardInput.Close();
        else if (!process.HasExited)
            _ = Kill(Id, Sigterm);

        try
        {
            await Exited.WaitAsync(patience, time);
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
            // Something that outlives the process may hold its output open: that is no reason to wait for ever.
            await Task.WhenAny(Exited, Task.Delay(patience, time));
        }
    }

    public void Dispose() => process.Dispose();

    private static async Task<int> WaitAsync(Process process)
    {
        await process.WaitForExitAsync();
        return process.ExitCode;
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int Kill(int pid, int signal);
}
