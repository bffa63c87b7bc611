using System.CommandLine;
using Backup.Protocol;

namespace Backup.Client;

/// <summary><c>watch</c></summary>
internal sealed class WatchCommand : CommandLineCommand
{
    private const string SettleDefault = "5s";
    private const string EveryDefault = "1h";

    private readonly Option<string> settle = new("--settle") { Description = "Wait for so long a silence after a change", HelpName = "TIME", DefaultValueFactory = _ => SettleDefault };
    private readonly Option<string> every = new("--every") { Description = "Look at everything this often in any case", HelpName = "TIME", DefaultValueFactory = _ => EveryDefault };
    private readonly Option<string?> limit = LimitOption();

    public WatchCommand() : base("watch", "Keep the root backed up as files change, until Ctrl-C", """
        Examples:
          Backup.Client watch
          Backup.Client --root ~/work watch --settle 30s --every 6h
          Backup.Client watch --json | tee passes.jsonl

        Times are 5s, 10min, 2h or 1d. Each pass is a backup of the whole root: what
        did not change is not read. Where the system cannot tell of changes, as when
        its inotify watches are used up, it says so and looks every 5 minutes.
        """)
    {
        Add(settle);
        Add(every);
        Add(limit);
    }

    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        run.Session.LimitTo(run.Parsed.GetValue(limit));
        var pacing = new WatchPacing(Span(run.Parsed.GetRequiredValue(settle)), Span(run.Parsed.GetRequiredValue(every)));
        var watch = new WatchRun(run.Session, pacing, run.Progress, pass => Tell(run, pass), why => run.Report.Warning(
            $"warning: changes in the root cannot be seen: {RootedPath.Escape(why)}. It is looked at every {Sizes.Time(WatchPacing.BlindEvery)} instead; `doctor` says what to do."));
        run.Report.Note($"Watching {RootedPath.Escape(run.Session.RootPath)}. Ctrl-C ends it.");
        try
        {
            await watch.RunAsync(ct);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // What it was meant to do it does until somebody stops it: that is no interruption.
        }
        return ExitCode.Done;
    }

    private static TimeSpan Span(string text) => Times.Span(text) is { } span && span > TimeSpan.Zero ? span
        : throw Failure.InvalidRequest($"'{RootedPath.Escape(text)}' is no length of time: write 5s, 10min, 2h or 1d.").Exception();

    private static void Tell(Invocation run, WatchPass pass)
    {
        var now = Times.Show(run.Time.GetUtcNow().ToUnixTimeMilliseconds(), run.Time);
        run.Report.Json(WatchShape.Of(pass, run.Time), OutputJson.Default.WatchShape);
        if (pass.Failure is { } failure)
            run.Report.Warning($"{now}  failed, and is tried again: {RootedPath.Escape(failure.Message)}");
        else if (pass.Summary is { } summary && (summary.Stored + summary.Deleted + summary.Folders + summary.Failed > 0 || pass.Why == "start"))
            run.Report.Summary($"{now}  {BackupText.Counts(summary)}");
        run.Session.Surroundings.Out.Flush();
    }
}

/// <summary>A line of <c>watch --json</c>.</summary>
internal sealed record WatchShape(string Time, string Why, BackupShape? Backup, FailureShape? Failure)
{
    public static WatchShape Of(WatchPass pass, TimeProvider time) => new(Times.Iso(time.GetUtcNow().ToUnixTimeMilliseconds()), pass.Why,
        pass.Summary is { } summary ? BackupShape.Of(summary) : null, pass.Failure is { } failure ? FailureShape.Of(failure) : null);
}
