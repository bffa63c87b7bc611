using System.Globalization;
using Backup.Protocol;

namespace Backup.Client;

/// <summary>Times as a person writes and reads them, in the person's time zone.</summary>
internal static class Times
{
    public const string Help = "2026-11-24T10:00, 2026-11-24 (the end of that day), yesterday, '3 days ago' or 2h";

    public const string UntilHelp = "2027-01-31T10:00, 2027-01-31 (the end of that day) or 90d (from now)";

    private static readonly TimeSpan AgeMax = TimeSpan.FromDays(365_000);

    private static readonly string[] ExactForms =
    [
        "yyyy-MM-dd'T'HH:mm", "yyyy-MM-dd'T'HH:mm:ss", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF", "yyyy-MM-dd HH:mm", "yyyy-MM-dd HH:mm:ss",
    ];

    private static readonly string[] ZonedForms = ["yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"];

    /// <summary>The moment a text means, Unix milliseconds.</summary>
    /// <exception cref="FailureException">It means none.</exception>
    public static long Parse(string text, TimeProvider time) => Find(text, time)
        ?? throw new Failure(FailureCode.InvalidRequest, $"'{RootedPath.Escape(text)}' is no time.", "client", $"Write a time as {Help}.").Exception();

    /// <summary>A moment to come: an age means as long from now.</summary>
    /// <exception cref="FailureException">It means none, or one that has passed.</exception>
    public static long ParseUntil(string text, TimeProvider time)
    {
        var now = time.GetUtcNow();
        var until = TryAge(text.Trim(), out var span) && !text.Contains("ago") && span < AgeMax ? (now + span).ToUnixTimeMilliseconds() : Parse(text, time);
        return until > now.ToUnixTimeMilliseconds() ? until : throw new Failure(FailureCode.InvalidRequest, $"'{RootedPath.Escape(text)}' is not in the future.", "client",
            $"Write it as {UntilHelp}.").Exception();
    }

    /// <summary>The moment a text means, Unix milliseconds; null when it means none.</summary>
    public static long? Find(string text, TimeProvider time)
    {
        text = text.Trim();
        var now = time.GetLocalNow();
        if (text == "now")
            return now.ToUnixTimeMilliseconds();
        if (text is "today" or "yesterday")
            return EndOfDay(now.Date.AddDays(text == "today" ? 0 : -1), time);
        if (DateTime.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day))
            return EndOfDay(day, time);
        if (DateTime.TryParseExact(text, ExactForms, CultureInfo.InvariantCulture, DateTimeStyles.None, out var local))
            return Local(local, time);
        if (DateTimeOffset.TryParseExact(text, ZonedForms, CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal, out var zoned))
            return zoned.ToUnixTimeMilliseconds();
        return TryAge(text, out var age) && age < AgeMax ? (now - age).ToUnixTimeMilliseconds() : null;
    }

    /// <summary>"2026-11-24 10:00:07", local.</summary>
    public static string Show(long unixMs, TimeProvider time)
    {
        try
        {
            var moment = DateTimeOffset.FromUnixTimeMilliseconds(unixMs);
            return TimeZoneInfo.ConvertTime(moment, time.LocalTimeZone).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
        }
        catch (ArgumentOutOfRangeException)
        {
            return "?";
        }
    }

    /// <summary>ISO 8601 in UTC, for programs.</summary>
    public static string Iso(long unixMs) => DateTimeOffset.FromUnixTimeMilliseconds(unixMs).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    /// <summary>The length of time that "5s", "10min", "2h" or "1d" means; null when it means none.</summary>
    public static TimeSpan? Span(string text) => TryAge(text.Trim(), out var span) && !text.Contains("ago") && span < AgeMax ? span : null;

    private static long EndOfDay(DateTime day, TimeProvider time) => Local(day.AddDays(1), time) - 1;

    private static long Local(DateTime local, TimeProvider time) => new DateTimeOffset(local, time.LocalTimeZone.GetUtcOffset(local)).ToUnixTimeMilliseconds();

    /// <summary>"3 days ago", "3d ago", "2h".</summary>
    private static bool TryAge(string text, out TimeSpan age)
    {
        age = default;
        var words = text.EndsWith(" ago", StringComparison.Ordinal) ? text[..^4].Trim() : text;
        var digits = words.AsSpan().IndexOfAnyExceptInRange('0', '9');
        if (digits <= 0 || !int.TryParse(words.AsSpan(0, digits), CultureInfo.InvariantCulture, out var count))
            return false;
        double? days = words[digits..].Trim() switch
        {
            "s" or "second" or "seconds" => 1.0 / 86_400,
            "min" or "minute" or "minutes" => 1.0 / 1440,
            "h" or "hour" or "hours" => 1.0 / 24,
            "d" or "day" or "days" => 1,
            "w" or "week" or "weeks" => 7,
            "month" or "months" => 30,
            "y" or "year" or "years" => 365,
            _ => null,
        };
        if (days is null || count * days.Value > 3_650_000)
            return false;
        age = TimeSpan.FromDays(count * days.Value);
        return true;
    }
}
