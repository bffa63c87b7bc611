using System.CommandLine;
using Backup.Protocol;

namespace Backup.Client;

/// <summary><c>schedule</c></summary>
internal sealed class ScheduleCommand : CommandLineCommand
{
    private readonly Option<string> every = new("--every") { Description = "hourly, daily or weekly; daily when nothing is said", HelpName = "TIME", DefaultValueFactory = _ => "daily" };
    private readonly Option<string> at = new("--at") { Description = "The time of the day; of hourly ones only the minute counts", HelpName = "HH:MM", DefaultValueFactory = _ => "02:30" };
    private readonly Option<string> day = new("--day") { Description = "The day of weekly ones", HelpName = "DAY", DefaultValueFactory = _ => "Sunday" };
    private readonly Option<bool> retain = new("--with-retention") { Description = "Apply \"retention\" of backup.json after each backup" };
    private readonly Option<bool> cron = new("--cron") { Description = "Write nothing, print a line for a crontab" };
    private readonly Option<bool> remove = new("--remove") { Description = "Take the timer of this root away" };
    private readonly Option<bool> dryRun = DryRunOption("Print the units instead of writing them");

    public ScheduleCommand() : base("schedule", "Have the root backed up at fixed times, by systemd or cron", """
        Examples:
          Backup.Client schedule                                 daily at 02:30
          Backup.Client schedule --every hourly --with-retention
          Backup.Client schedule --every weekly --day Sat --at 20:00 -n
          Backup.Client schedule --cron | crontab -
          Backup.Client schedule --remove

        Writes a timer and a service for your own user, and says how to start them.
        A machine that was off at the time catches up when it is on again.
        """)
    {
        foreach (var option in new Option[] { every, at, day, retain, cron, remove, dryRun })
            Add(option);
    }

    public override Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var parsed = run.Parsed;
        var command = ScheduledCommand.Of(run.Session);
        using (RootDirectory.Open(command.Root))
        {
            // A timer for what is not there would fail every night, unseen.
        }
        if (parsed.GetValue(retain) && run.Session.Settings.Retention is null)
            throw new Failure(FailureCode.InvalidRequest, "Nothing says what retention keeps.", "client", "Put \"retention\": {\"daily\": 7} or the like into backup.json.").Exception();
        var timing = Timing.Parse(parsed.GetRequiredValue(every), parsed.GetRequiredValue(at), parsed.GetRequiredValue(day));
        var schedule = new Schedule(run.Session.Surroundings, command);
        if (parsed.GetValue(cron))
        {
            var line = ScheduleText.Cron(command, timing, parsed.GetValue(retain));
            run.Report.Line(line);
            run.Report.Json(new ScheduleShape(command.Name, null, null, line), OutputJson.Default.ScheduleShape);
        }
        else if (parsed.GetValue(remove))
            Remove(run, schedule, parsed.GetValue(dryRun));
        else
            Write(run, schedule, ScheduleText.Service(command, parsed.GetValue(retain)), ScheduleText.Timer(command, timing), parsed.GetValue(dryRun));
        return Task.FromResult(ExitCode.Done);
    }

    private static void Write(Invocation run, Schedule schedule, string service, string timer, bool dryRun)
    {
        run.Report.Json(new ScheduleShape(schedule.Name, schedule.ServicePath, schedule.TimerPath, null), OutputJson.Default.ScheduleShape);
        if (dryRun)
        {
            run.Report.Line($"# {schedule.ServicePath}\n{service}\n# {schedule.TimerPath}\n{timer}");
            return;
        }
        schedule.Write(service, timer);
        foreach (var line in schedule.NextSteps())
            run.Report.Summary(line);
    }

    private static void Remove(Invocation run, Schedule schedule, bool dryRun)
    {
        if (!schedule.Exists)
            throw new Failure(FailureCode.NotFound, "This root has no timer.", "client", "`schedule` makes one.").Exception();
        run.Report.Json(new ScheduleShape(schedule.Name, schedule.ServicePath, schedule.TimerPath, null), OutputJson.Default.ScheduleShape);
        run.Report.Summary($"{(dryRun ? "would remove" : "removed")} {schedule.TimerPath} and {schedule.ServicePath}");
        if (!dryRun)
            schedule.Remove();
        run.Report.Summary($"end it now:  systemctl --user disable --now {schedule.Name}.timer; systemctl --user daemon-reload");
    }
}

internal sealed record ScheduleShape(string Name, string? Service, string? Timer, string? Cron);
