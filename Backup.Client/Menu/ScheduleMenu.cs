namespace Backup.Client;

/// <summary>The timer of this root in the menu.</summary>
internal sealed class ScheduleMenu(Session session, Screen screen)
{
    public async Task RunAsync(CancellationToken ct)
    {
        var command = ScheduledCommand.Of(session);
        var schedule = new Schedule(session.Surroundings, command);
        var every = await screen.PickAsync(schedule.Exists ? "This root has a timer. Back it up how often?" : "Back up this root how often?",
            [new Choice<string>("Daily", "daily"), new Choice<string>("Hourly", "hourly"), new Choice<string>("Weekly", "weekly"),
                .. schedule.Exists ? [new Choice<string>("Never: take the timer away", "")] : Array.Empty<Choice<string>>()], ct);
        if (every is null)
            return;
        if (every.Length == 0)
        {
            schedule.Remove();
            screen.Panel("Schedule", [$"removed {schedule.TimerPath}", $"end it now: systemctl --user disable --now {schedule.Name}.timer"]);
        }
        else
        {
            var at = await screen.AskAsync("At what time? (of hourly ones only the minute counts)", "02:30", ct);
            var retain = session.Settings.Retention is not null && await screen.ConfirmAsync("Apply retention after each backup?", ct);
            schedule.Write(ScheduleText.Service(command, retain), ScheduleText.Timer(command, Timing.Parse(every, at, nameof(DayOfWeek.Sunday))));
            screen.Panel("Schedule", schedule.NextSteps());
        }
        await screen.PauseAsync(ct);
    }
}
