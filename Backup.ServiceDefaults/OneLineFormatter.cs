using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Backup.ServiceDefaults;

/// <summary>
/// <c>12:01:02.345 warn MembershipWorker: the message</c>. One line for each event, since the lines of all processes
/// are collected into one stream; an error alone brings its stack trace, on lines of its own.
/// </summary>
internal sealed class OneLineFormatter(TimeProvider time) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "one-line";

    public override void Write<TState>(in LogEntry<TState> entry, IExternalScopeProvider? scopes, TextWriter output)
    {
        var level = entry.LogLevel switch
        {
            LogLevel.Trace => "trce",
            LogLevel.Debug => "dbug",
            LogLevel.Information => "info",
            LogLevel.Warning => "warn",
            LogLevel.Error => "fail",
            _ => "crit",
        };
        output.Write(time.GetLocalNow().ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture));
        output.Write($" {level} {entry.Category[(entry.Category.LastIndexOf('.') + 1)..]}: ");
        output.Write(OneLine(entry.Formatter(entry.State, entry.Exception)));
        if (entry.Exception is { } exception)
        {
            output.Write($" ({exception.GetType().Name}: {OneLine(exception.Message)})");
            if (entry.LogLevel >= LogLevel.Error)
                output.Write(Environment.NewLine + exception);
        }

        output.WriteLine();
    }

    private static string OneLine(string text) => text.ReplaceLineEndings(" ");
}
