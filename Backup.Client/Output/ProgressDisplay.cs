using System.Globalization;
using Backup.Protocol;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Backup.Client;

/// <summary>Shows a run while it is under way: one line that redraws itself in a terminal, a plain line now and then elsewhere.</summary>
internal static class ProgressDisplay
{
    /// <summary>Often enough to see that it lives, seldom enough for a log.</summary>
    private static readonly TimeSpan PlainEvery = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RedrawEvery = TimeSpan.FromMilliseconds(200);

    public static async Task<T> ShowAsync<T>(Session session, string title, Progress progress, Func<Task<T>> run)
    {
        var (surroundings, choices) = (session.Surroundings, session.Choices);
        if (choices.Quiet || choices.Json)
            return await run();
        // Names and bars would write into each other's lines.
        if (surroundings.CanRedraw && !choices.Verbose)
            return await RedrawAsync(session, title, progress, run);
        var started = surroundings.Time.GetTimestamp();
        await using var timer = surroundings.Time.CreateTimer(
            _ => surroundings.Error.WriteLine($"{title}: {Line(progress, surroundings.Time.GetElapsedTime(started))}"), null, PlainEvery, PlainEvery);
        return await run();
    }

    private static async Task<T> RedrawAsync<T>(Session session, string title, Progress progress, Func<Task<T>> run)
    {
        var time = session.Surroundings.Time;
        var started = time.GetTimestamp();
        var work = run();
        // What is done in a moment needs no display.
        if (await Task.WhenAny(work, Task.Delay(RedrawEvery, time)) == work)
            return await work;
        var console = session.Console;
        session.IsRedrawing = true;
        try
        {
            return await LiveAsync(console, title, progress, time, started, work);
        }
        finally
        {
            session.IsRedrawing = false;
        }
    }

    private static Task<T> LiveAsync<T>(IAnsiConsole console, string title, Progress progress, TimeProvider time, long started, Task<T> work) =>
        console.Live(Text.Empty).AutoClear(true).StartAsync(async live =>
        {
            while (!work.IsCompleted)
            {
                live.UpdateTarget(Picture(title, progress, time.GetElapsedTime(started), console.Profile.Width));
                live.Refresh();
                await Task.WhenAny(work, Task.Delay(RedrawEvery, time));
            }
            return await work;
        });

    private static Rows Picture(string title, Progress progress, TimeSpan elapsed, int width)
    {
        var lines = new List<IRenderable> { new Text(Shorten($"{title}: {Line(progress, elapsed)}", width)) };
        if (Share(progress) is { } share)
        {
            var bar = Math.Max(width - 8, 10);
            var full = (int)(share * bar);
            lines.Add(new Markup($"[green]{new string('#', full)}[/]{new string('.', bar - full)} {share * 100,4:0} %"));
        }
        if (progress.Counters.Current is { } current)
            lines.Add(new Text(Shorten(RootedPath.Escape(current), width)));
        return new Rows(lines);
    }

    /// <summary>"120 of 300 files, 1.2 GiB of 3 GiB, 210 MiB/s, 9 s left, 300 MiB were there already".</summary>
    internal static string Line(Progress progress, TimeSpan elapsed)
    {
        var counters = progress.Counters;
        if (progress.FilesPlanned == 0)
            return $"{Sizes.Count(Volatile.Read(ref progress.Scanned), progress.Noun.One, progress.Noun.Many)} looked at";
        var bytes = Interlocked.Read(ref counters.BytesRead);
        var line = $"{Interlocked.Read(ref counters.Files)} of {Sizes.Count(progress.FilesPlanned, progress.Noun.One, progress.Noun.Many)}";
        if (progress.BytesPlanned > 0)
            line += $", {Sizes.Bytes(bytes)} of {Sizes.Bytes(progress.BytesPlanned)}";
        else if (bytes > 0)
            line += $", {Sizes.Bytes(bytes)}";
        var perSecond = bytes / Math.Max(elapsed.TotalSeconds, 0.001);
        if (bytes > 0)
            line += $", {Sizes.Bytes((long)perSecond)}/s";
        if (bytes > 0 && bytes < progress.BytesPlanned)
            line += $", {Sizes.Time(TimeSpan.FromSeconds(Math.Min((progress.BytesPlanned - bytes) / perSecond, TimeSpan.FromDays(99).TotalSeconds)))} left";
        var there = Interlocked.Read(ref counters.BytesDeduplicated);
        return there > 0 ? line + $", {Sizes.Bytes(there)} were there already" : line;
    }

    private static double? Share(Progress progress) => progress.FilesPlanned == 0 ? null
        : Math.Clamp(progress.BytesPlanned > 0 ? (double)Interlocked.Read(ref progress.Counters.BytesRead) / progress.BytesPlanned
            : (double)Interlocked.Read(ref progress.Counters.Files) / progress.FilesPlanned, 0, 1);

    private static string Shorten(string text, int width)
    {
        var elements = new StringInfo(text);
        return elements.LengthInTextElements < width ? text : elements.SubstringByTextElements(0, Math.Max(width - 2, 1)) + "…";
    }
}
