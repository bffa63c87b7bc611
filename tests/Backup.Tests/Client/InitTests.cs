using Backup.Client;
using Backup.Protocol;

namespace Backup.Tests.Client;

/// <summary>The configuration file as `init` writes it, and the bandwidth that may stand in it.</summary>
public sealed class InitTests : IDisposable
{
    private readonly TestSurroundings machine = new();

    public void Dispose() => machine.Dispose();

    [Fact]
    public async Task What_is_written_is_what_is_in_force_afterwards()
    {
        Assert.Equal(ExitCode.Done, await machine.RunAsync(
            "--root", ".", "--server", "http://nas:7101", "init", "--exclude", "*.tmp", "--exclude", "cache/", "--keep-daily", "7", "--bandwidth", "2 MiB"));
        var settings = Settings.Load(machine.ToSurroundings(), GlobalChoices.None);
        Assert.Equal(machine.Folder.At("root/backup.json"), settings.File);
        Assert.Equal(machine.Root, settings.Root);
        Assert.Equal("http://nas:7101/", Assert.Single(settings.Servers).ToString());
        Assert.Equal(["*.tmp", "cache/"], settings.Exclude);
        Assert.Equal(new RetentionPolicy(Daily: 7), settings.Retention);
        Assert.Equal(2 << 20, settings.BytesPerSecond);
    }

    [Fact]
    public async Task A_file_that_exists_is_not_replaced_unasked()
    {
        machine.Folder.File("root/backup.json", """{ "root": "." }""");
        Assert.Equal(ExitCode.Failed, await machine.RunAsync("--root", ".", "init"));
        Assert.Contains("--force", machine.Error);
        Assert.Equal(ExitCode.Done, await machine.RunAsync("--root", ".", "init", "--force"));
    }

    [Fact]
    public async Task A_dry_run_prints_it_and_a_root_that_is_not_there_is_refused()
    {
        Assert.Equal(ExitCode.Done, await machine.RunAsync("--root", ".", "init", "-n"));
        Assert.Contains("\"root\":", machine.Out);
        Assert.Equal(ExitCode.Failed, await machine.RunAsync("--root", "nowhere", "init"));
        Assert.False(File.Exists(machine.Folder.At("root/backup.json")));
    }

    [Theory]
    [InlineData("500 KiB", 500 << 10)]
    [InlineData("2MiB/s", 2 << 20)]
    [InlineData("1.5mb", 1_500_000)]
    [InlineData("20000 B", 20_000)]
    [InlineData("64k", 64 << 10)]
    public void A_bandwidth_is_read_as_people_write_it(string text, long bytes) => Assert.Equal(bytes, Bandwidth.Parse(text));

    [Theory]
    [InlineData("fast")]
    [InlineData("")]
    [InlineData("10")]
    [InlineData("-1MiB")]
    [InlineData("1 KiB")]
    [InlineData("1e9 GiB")]
    public void What_is_none_is_refused(string text) => Assert.Equal(FailureCode.InvalidRequest, Assert.Throws<FailureException>(() => Bandwidth.Parse(text)).Failure.Code);

    /// <summary>The bucket holds a tenth of a second's worth: of 100 KiB at 64 KiB/s, 93 KiB wait for the clock.</summary>
    [Fact]
    public async Task A_limit_lets_everything_through_and_not_at_once()
    {
        using var limit = new SendLimit(64 << 10);
        var content = new byte[100 << 10];
        Random.Shared.NextBytes(content);
        using var sent = new MemoryStream();
        var writing = limit.WriteAsync(sent, content, default);
        Assert.False(writing.IsCompleted);
        await writing;
        Assert.Equal(content, sent.ToArray());
        Assert.Equal(TimeSpan.FromSeconds(2), limit.TimeFor(128 << 10));
    }
}
