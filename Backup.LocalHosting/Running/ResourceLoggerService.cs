using System.Collections.Concurrent;

namespace Backup.LocalHosting;

/// <summary>A line that a process has written.</summary>
public readonly record struct LogLine(int LineNumber, string Content, bool IsErrorMessage);

/// <summary>What the processes write: to the console with their names, and the last of it kept for those who ask.</summary>
public sealed class ResourceLoggerService(bool toConsole)
{
    /// <summary>Enough to see why something failed.</summary>
    private const int KeptLinesMax = 500;

    /// <summary>ANSI colours that read on a light and on a dark ground.</summary>
    private static readonly int[] Colours = [36, 33, 32, 35, 34, 31];

    private readonly ConcurrentDictionary<string, Queue<LogLine>> kept = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<string, int> colours = new(StringComparer.OrdinalIgnoreCase);
    private readonly bool coloured = !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("NO_COLOR") is null;

    /// <summary>The last lines of a resource.</summary>
    public async IAsyncEnumerable<IReadOnlyList<LogLine>> GetAllAsync(string resourceName)
    {
        await Task.CompletedTask;
        if (!kept.TryGetValue(resourceName, out var lines))
            yield break;

        IReadOnlyList<LogLine> copy;
        lock (lines)
            copy = [.. lines];
        yield return copy;
    }

    internal void Write(string resourceName, string text, bool isError)
    {
        var lines = kept.GetOrAdd(resourceName, _ => new Queue<LogLine>());
        lock (lines)
        {
            var number = lines.Count == 0 ? 1 : lines.Last().LineNumber + 1;
            lines.Enqueue(new LogLine(number, text, isError));
            if (lines.Count > KeptLinesMax)
                lines.Dequeue();
        }

        if (toConsole)
            (isError ? Console.Error : Console.Out).WriteLine($"{Prefix(resourceName)} {text}");
    }

    private string Prefix(string name)
    {
        var padded = $"{name,-8} |";
        if (!coloured)
            return padded;

        var colour = colours.GetOrAdd(name, _ => Colours[colours.Count % Colours.Length]);
        return $"\e[{colour}m{padded}\e[0m";
    }
}
