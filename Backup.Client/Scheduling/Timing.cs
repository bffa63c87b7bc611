using System.Globalization;
using Backup.Protocol;

namespace Backup.Client;

/// <summary>How often a backup is to run.</summary>
internal enum Frequency
{
    Hourly,
    Daily,
    Weekly,
}

/// <summary>When a scheduled backup runs, in the machine's time zone.</summary>
/// <param name="Day">Of weekly ones.</param>
internal readonly record struct Timing(Frequency Every, TimeOnly At, DayOfWeek Day = DayOfWeek.Sunday)
{
    /// <exception cref="FailureException">It means none.</exception>
    public static Timing Parse(string every, string at, string day)
    {
        if (!Enum.TryParse<Frequency>(every, ignoreCase: true, out var frequency) || char.IsAsciiDigit(every[0]))
            throw Failure.InvalidRequest($"'{RootedPath.Escape(every)}' is none of hourly, daily, weekly.").Exception();
        if (!TimeOnly.TryParseExact(at, ["HH:mm", "H:mm"], CultureInfo.InvariantCulture, DateTimeStyles.None, out var time))
            throw Failure.InvalidRequest($"'{RootedPath.Escape(at)}' is no time of the day: write 02:30.").Exception();
        if (!Enum.TryParse<DayOfWeek>(day, ignoreCase: true, out var weekday) || char.IsAsciiDigit(day[0]))
            throw Failure.InvalidRequest($"'{RootedPath.Escape(day)}' is no day of the week: write Sunday.").Exception();
        return new Timing(frequency, time, weekday);
    }

    /// <summary>As systemd.time(7) has it.</summary>
    public string Calendar => Every switch
    {
        Frequency.Hourly => string.Create(CultureInfo.InvariantCulture, $"*-*-* *:{At:mm}:00"),
        Frequency.Daily => string.Create(CultureInfo.InvariantCulture, $"*-*-* {At:HH:mm}:00"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{Day.ToString()[..3]} *-*-* {At:HH:mm}:00"),
    };

    /// <summary>The five fields of a crontab(5).</summary>
    public string Cron => Every switch
    {
        Frequency.Hourly => $"{At.Minute} * * * *",
        Frequency.Daily => $"{At.Minute} {At.Hour} * * *",
        _ => $"{At.Minute} {At.Hour} * * {(int)Day}",
    };
}
