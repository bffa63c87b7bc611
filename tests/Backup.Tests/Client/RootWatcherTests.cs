using Backup.Client;

namespace Backup.Tests.Client;

/// <summary>The system's own events of a real folder.</summary>
public sealed class RootWatcherTests : IDisposable
{
    private static readonly TimeSpan PatienceMax = TimeSpan.FromMinutes(3);

    private readonly TempFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("echo more >> root/old")]
    [InlineData("echo x > root/new")]
    [InlineData("rm root/old")]
    [InlineData("mv root/old root/other")]
    [InlineData("chmod 600 root/old")]
    [InlineData("mkdir root/below && sleep 0.2 && echo x > root/below/new")]
    public async Task Whatever_happens_to_a_file_is_a_change(string command)
    {
        folder.File("root/old");
        var changed = new TaskCompletionSource();
        using var watcher = new RootWatcher(folder.At("root"), () => changed.TrySetResult(), why => changed.TrySetException(new InvalidOperationException(why)));
        folder.Shell(command);
        await changed.Task.WaitAsync(PatienceMax);
    }

    [Fact]
    public void A_folder_that_cannot_be_watched_is_said_and_no_failure()
    {
        string? why = null;
        using var watcher = new RootWatcher(folder.At("nowhere"), () => { }, said => why = said);
        Assert.NotNull(why);
    }
}
