using System.Diagnostics;
using Backup.Client;

namespace Backup.Tests.Client;

/// <summary>The real program whose output nobody takes: it says so where it can, and never ends with a stack trace.</summary>
public sealed class ClosedOutputTests
{
    private const string Unreachable = "cluster status --server http://127.0.0.1:1";

    [SkippableTheory]
    [InlineData("help", "| true", (int)ExitCode.Done, "")]
    [InlineData("help", "> /dev/full", (int)ExitCode.Failed, "Standard output cannot be written: No space left on device")]
    [InlineData("help", ">&-", (int)ExitCode.Failed, "Standard output cannot be written")]
    [InlineData("help", ">&- 2>&-", (int)ExitCode.Failed, "")]
    [InlineData("help", "<&- > /dev/null 2>&-", (int)ExitCode.Done, "")]
    [InlineData(Unreachable, "> /dev/null 2> /dev/full", (int)ExitCode.Unreachable, "")]
    [InlineData(Unreachable, "<&- >&- 2>&-", (int)ExitCode.Unreachable, "")]
    [InlineData("no-such-command", "2>&-", (int)ExitCode.Usage, "")]
    [InlineData("", "<&- >&- 2>&-", (int)ExitCode.Usage, "")]
    public async Task Ends_with_an_exit_code_and_a_line_at_most(string command, string redirected, int code, string says)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Redirections of a Unix shell.");
        using var machine = new TestSurroundings();
        var start = new ProcessStartInfo("/bin/bash", ["-c", $"set -o pipefail; '{Path.Join(AppContext.BaseDirectory, "Backup.Client")}' {command} {redirected}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        start.Environment["HOME"] = machine.Folder.Folder("home");
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(2));
        // Where both are closed the runtime may have taken their numbers for files of its own: then it ends as if it had been told, or not.
        var ended = process.ExitCode;
        Assert.True(ended == code || (redirected.Contains(">&-", StringComparison.Ordinal) && ended == (int)ExitCode.Done), $"{ended}: {await error}");
        Assert.DoesNotContain("   at ", await output + await error);
        Assert.DoesNotContain("Unhandled", await error);
        if (ended == code)
            Assert.Contains(says, await error);
    }
}
