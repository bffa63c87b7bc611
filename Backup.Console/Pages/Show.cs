using System.Globalization;
using Backup.Protocol;
using MudBlazor;

namespace Backup.WebConsole.Pages;

/// <summary>Numbers, times and states as a person reads them.</summary>
public static class Show
{
    private static readonly string[] Units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

    /// <summary>"0 B", "1.5 KiB", "12 MiB": two digits that matter.</summary>
    public static string Bytes(long bytes)
    {
        double value = bytes;
        var unit = 0;
        for (; Math.Abs(value) >= 1024 && unit < Units.Length - 1; unit++)
            value /= 1024;
        return value.ToString(unit == 0 || value >= 10 ? "0" : "0.0", CultureInfo.InvariantCulture) + " " + Units[unit];
    }

    public static string Count(long count, string one, string? many = null) => count == 1 ? $"1 {one}" : string.Create(CultureInfo.InvariantCulture, $"{count:N0} {many ?? one + "s"}");

    /// <summary>Where the browser stands is not known here; UTC is the same for all who look.</summary>
    public static string Time(long ms) => ms <= 0 ? "never" : DateTimeOffset.FromUnixTimeMilliseconds(ms).ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);

    /// <summary>"just now", "12 s ago", "3 min ago", then the time itself.</summary>
    public static string Ago(long ms, long nowMs) => (nowMs - ms) switch
    {
        < 2_000 => "just now",
        < 60_000 => $"{(nowMs - ms) / 1000} s ago",
        < 3_600_000 => $"{(nowMs - ms) / 60_000} min ago",
        _ => Time(ms),
    };

    public static string Duration(double seconds) => seconds < 10 ? string.Create(CultureInfo.InvariantCulture, $"{seconds:0.0} s")
        : seconds < 60 ? $"{(int)seconds} s"
        : seconds < 3600 ? $"{(int)seconds / 60} min {(int)seconds % 60} s"
        : $"{(int)seconds / 3600} h {(int)seconds % 3600 / 60} min";

    public static Severity Of(EventSeverity severity) => severity switch
    {
        EventSeverity.Error => Severity.Error,
        EventSeverity.Warning => Severity.Warning,
        _ => Severity.Info,
    };

    /// <summary>The class that colours a state; its word always stands beside it.</summary>
    public static string ClassOf(NodeState state) => $"state state-{state.ToString().ToLowerInvariant()}";
}
