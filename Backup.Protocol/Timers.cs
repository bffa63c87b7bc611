namespace Backup.Protocol;

/// <summary>A timer of .NET runs for 49.7 days at most, and throws when more is asked of it. Whoever waits for longer waits again.</summary>
public static class Timers
{
    private static readonly TimeSpan LongestTime = TimeSpan.FromDays(49);

    /// <summary>This time, or the longest that a timer runs.</summary>
    public static TimeSpan Bounded(TimeSpan time) => time < LongestTime ? time : LongestTime;
}
