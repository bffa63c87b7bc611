using System.Text;
using Backup.Protocol;

namespace Backup.Client;

/// <summary>What systemd and cron want to read. Pure: it writes nothing.</summary>
internal static class ScheduleText
{
    /// <summary>Several machines of one owner do not all begin in the same second.</summary>
    private const string RandomDelay = "5min";

    /// <param name="retain">Whether retention is applied after each backup, as backup.json says.</param>
    public static string Service(ScheduledCommand command, bool retain)
    {
        var unit = new StringBuilder()
            .AppendLine("[Unit]")
            .AppendLine($"Description=Backup of {Plain(command.Root)}")
            .AppendLine("Wants=network-online.target")
            .AppendLine("After=network-online.target")
            .AppendLine()
            .AppendLine("[Service]")
            .AppendLine("Type=oneshot")
            .AppendLine($"WorkingDirectory={Plain(command.Folder)}")
            .AppendLine($"ExecStart={Line([.. command.Words, "backup", "--quiet"])}");
        if (retain)
            unit.AppendLine($"ExecStart={Line([.. command.Words, "retention", "apply", "--yes", "--quiet"])}");
        // Files that could not be read were named; the rest is backed up, and the timer is no place to fail for them.
        return unit.AppendLine($"SuccessExitStatus={(int)ExitCode.Incomplete}")
            .AppendLine("Nice=10")
            .AppendLine("IOSchedulingClass=idle").ToString();
    }

    public static string Timer(ScheduledCommand command, Timing timing) => new StringBuilder()
        .AppendLine("[Unit]")
        .AppendLine($"Description=Backup of {Plain(command.Root)}")
        .AppendLine()
        .AppendLine("[Timer]")
        .AppendLine($"OnCalendar={timing.Calendar}")
        .AppendLine($"RandomizedDelaySec={RandomDelay}")
        // A machine that slept at the time catches up.
        .AppendLine("Persistent=true")
        .AppendLine()
        .AppendLine("[Install]")
        .AppendLine("WantedBy=timers.target").ToString();

    /// <summary>One line of a crontab. A percent sign would be a new line there.</summary>
    public static string Cron(ScheduledCommand command, Timing timing, bool retain)
    {
        Refuse(command);
        var line = $"cd {Shell(command.Folder)} && {Backup("backup --quiet")}";
        if (retain)
            line += $" && {Backup("retention apply --yes --quiet")}";
        return $"{timing.Cron} {line.Replace("%", "\\%")}";

        string Backup(string what) => $"{string.Join(' ', command.Words.Select(Shell))} {what}";
    }

    /// <summary>A command line of systemd: in quotes, with its own characters escaped.</summary>
    private static string Line(IEnumerable<string> words) => string.Join(' ', words.Select(word =>
        $"\"{Plain(word).Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("$", "$$")}\""));

    /// <summary>A percent sign begins a specifier in every value.</summary>
    private static string Plain(string text) => text.Contains('\n') ? throw NewLine() : text.Replace("%", "%%");

    private static string Shell(string word) => word.All(c => char.IsAsciiLetterOrDigit(c) || "/._-:@=+".Contains(c)) ? word : $"'{word.Replace("'", "'\\''")}'";

    private static void Refuse(ScheduledCommand command)
    {
        if (command.Folder.Contains('\n') || command.Words.Any(word => word.Contains('\n')))
            throw NewLine();
    }

    private static FailureException NewLine() => Failure.InvalidRequest("A path with a line break in it cannot stand in a timer.").Exception();
}
