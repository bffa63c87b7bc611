using Backup.ServiceDefaults;
using Backup.Tests.Manager;

namespace Backup.Tests.Access;

/// <summary>No process starts in a way in which everybody could get in.</summary>
public sealed class StartTests
{
    [Theory]
    [InlineData("", SecurityOptions.Invitation, "http://127.0.0.1:0", "Security:ClusterKey is missing")]
    [InlineData("changeme", SecurityOptions.Invitation, "http://127.0.0.1:0", "Security:ClusterKey is not a random key")]
    [InlineData(null, "open", "http://127.0.0.1:0", "'loopback' or 'invitation'")]
    [InlineData(null, SecurityOptions.Loopback, "http://0.0.0.0:0", "is for loopback")]
    [InlineData(null, SecurityOptions.Loopback, "http://[::]:0", "is for loopback")]
    [InlineData(null, SecurityOptions.Loopback, "http://*:0", "is for loopback")]
    public async Task A_server_that_would_be_open_does_not_start(string? key, string enrolment, string urls, string says)
    {
        using var process = ManagerProcess.Run("127.0.0.1:9", urls, ("Security__ClusterKey", key ?? ManagerProcess.KeyText), ("Security__Enrolment", enrolment));
        var error = process.StandardError.ReadToEndAsync();
        _ = process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(2, process.ExitCode);
        var line = Assert.Single((await error).Trim().Split('\n'));
        Assert.Contains(says, line);
        Assert.DoesNotContain("changeme", line);
    }
}
