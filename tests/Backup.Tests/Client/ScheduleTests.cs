using System.Diagnostics;
using Backup.Client;
using Backup.Protocol;

namespace Backup.Tests.Client;

/// <summary>Timers for systemd and cron: what stands in them, and that the real systemd takes them.</summary>
public sealed class ScheduleTests : IDisposable
{
    private static readonly ScheduledCommand Command = new("backup-photos-12345678", ["/opt/the client/backup", "--root", "/srv/100% \"mine\" $HOME"], "/etc/my backup", "/srv/100% \"mine\" $HOME");

    private readonly TestSurroundings machine = new();

    public void Dispose() => machine.Dispose();

    [Theory]
    [InlineData("hourly", "00:05", "Sunday", "*-*-* *:05:00", "5 * * * *")]
    [InlineData("Daily", "2:30", "Sunday", "*-*-* 02:30:00", "30 2 * * *")]
    [InlineData("weekly", "23:59", "saturday", "Sat *-*-* 23:59:00", "59 23 * * 6")]
    public void A_timing_is_said_in_both_tongues(string every, string at, string day, string calendar, string cron)
    {
        var timing = Timing.Parse(every, at, day);
        Assert.Equal(calendar, timing.Calendar);
        Assert.Equal(cron, timing.Cron);
    }

    [Fact]
    public void What_means_something_to_systemd_is_escaped()
    {
        var service = ScheduleText.Service(Command, retain: true);
        Assert.Contains("ExecStart=\"/opt/the client/backup\" \"--root\" \"/srv/100%% \\\"mine\\\" $$HOME\" \"backup\" \"--quiet\"\n", service);
        Assert.Contains("\"retention\" \"apply\" \"--yes\"", service);
        Assert.Contains("WorkingDirectory=/etc/my backup\n", service);
        Assert.DoesNotContain("retention", ScheduleText.Service(Command, retain: false));
        Assert.Throws<FailureException>(() => ScheduleText.Service(Command with { Folder = "/a\nExecStart=/bin/false" }, retain: false));
    }

    [Fact]
    public void What_means_something_to_cron_and_the_shell_is_escaped() => Assert.Equal(
        "30 2 * * * cd '/etc/my backup' && '/opt/the client/backup' --root '/srv/100\\% \"mine\" $HOME' backup --quiet",
        ScheduleText.Cron(Command, Timing.Parse("daily", "02:30", "Sunday"), retain: false));

    [Fact]
    public async Task A_timer_is_written_for_the_user_and_taken_away_again()
    {
        Assert.Equal(ExitCode.Done, await machine.RunAsync("--root", ".", "schedule", "--every", "hourly"));
        var units = Directory.GetFiles(machine.Folder.At("home/.config/systemd/user")).Select(path => Path.GetExtension(path)).Order();
        Assert.Equal([".service", ".timer"], units);
        Assert.Contains("systemctl --user enable --now backup-root-", machine.Out);
        Assert.Equal(ExitCode.Done, await machine.RunAsync("--root", ".", "schedule", "--remove"));
        Assert.Empty(Directory.GetFiles(machine.Folder.At("home/.config/systemd/user")));
        Assert.Equal(ExitCode.NotFound, await machine.RunAsync("--root", ".", "schedule", "--remove"));
    }

    [Fact]
    public async Task A_dry_run_and_cron_write_nothing()
    {
        Assert.Equal(ExitCode.Done, await machine.RunAsync("--root", ".", "schedule", "-n"));
        Assert.Equal(ExitCode.Done, await machine.RunAsync("--root", ".", "schedule", "--cron"));
        Assert.False(Directory.Exists(machine.Folder.At("home/.config/systemd")));
    }

    /// <summary>Where the root comes from the file, the patterns in the file hold in the timer too.</summary>
    [Fact]
    public void What_the_file_says_is_left_to_the_file()
    {
        machine.Folder.File("root/backup.json", """{ "root": ".", "exclude": ["*.tmp"] }""");
        using var session = new Session(machine.ToSurroundings(), GlobalChoices.None);
        var command = ScheduledCommand.Of(session);
        Assert.DoesNotContain("--root", command.Words);
        Assert.Equal(machine.Root, command.Folder);
        using var other = new Session(machine.ToSurroundings(), GlobalChoices.None with { Root = machine.Folder.Folder("other") });
        Assert.Contains("--root", ScheduledCommand.Of(other).Words);
        Assert.NotEqual(command.Name, ScheduledCommand.Of(other).Name);
    }

    [SkippableFact]
    public void The_real_systemd_takes_them()
    {
        Skip.IfNot(File.Exists("/usr/bin/systemd-analyze"), "systemd-analyze is not installed.");
        var program = machine.Folder.File("a program");
        machine.Folder.Mode("a program", 0b111_101_101);
        var command = Command with { Words = [program, "--root", "/srv/100% $HOME"], Folder = machine.Folder.Path };
        machine.Folder.File("units/x.service", ScheduleText.Service(command, retain: true));
        machine.Folder.File("units/x.timer", ScheduleText.Timer(command, Timing.Parse("weekly", "20:00", "Monday")));
        using var process = Process.Start(new ProcessStartInfo("systemd-analyze", ["--user", "verify", machine.Folder.At("units/x.service"), machine.Folder.At("units/x.timer")])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            Environment = { ["XDG_RUNTIME_DIR"] = machine.Folder.Path },
        })!;
        var said = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.DoesNotContain("x.service", said);
        Assert.DoesNotContain("x.timer", said);
    }
}
