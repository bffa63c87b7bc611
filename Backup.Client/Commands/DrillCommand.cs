using System.CommandLine;
using Backup.Protocol;

namespace Backup.Client;

/// <summary><c>drill</c></summary>
internal sealed class DrillCommand : CommandLineCommand
{
    private const int FilesDefault = 50;
    private const long BytesDefault = 1 << 30;

    private readonly Option<int> files = new("--files") { Description = $"How many files at most; {FilesDefault} when nothing is said", HelpName = "N", DefaultValueFactory = _ => FilesDefault };
    private readonly Option<string?> to = new("--to") { Description = "An empty folder that keeps what was restored, instead of a temporary one", HelpName = "DIR" };
    private readonly Option<string?> asOf = AsOfOption();
    private readonly Option<bool> history = new("--history") { Description = "Try nothing, show the drills there were" };

    public DrillCommand() : base("drill", "Try a restore: bring a random sample back elsewhere, compare it, record how it went", """
        Examples:
          Backup.Client drill                     50 files, 1 GiB at most
          Backup.Client drill --files 500
          Backup.Client drill --history           when it was tried, and how it went

        Each file is read back from the disk and compared with the digest it was
        stored under, and with the root where that still has it unchanged. Nothing
        in the root is touched. The exit code is 3 when a file did not come back.
        """)
    {
        Add(files);
        Add(to);
        Add(asOf);
        Add(history);
    }

    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        if (run.Parsed.GetValue(history))
            return ShowHistory(run);
        var count = run.Parsed.GetValue(files);
        if (count < 1)
            throw Failure.InvalidRequest("--files takes a number above 0.").Exception();
        var progress = run.Progress();
        var request = new DrillRequest(count, BytesDefault, await run.AsOfAsync(asOf, ct), run.Parsed.GetValue(to));
        var summary = await ProgressDisplay.ShowAsync(run.Session, "Restoring a sample", progress, () => new DrillRun(run.Session, request, progress, Random.Shared).RunAsync(ct));
        run.Report.Json(DrillShape.Of(summary), OutputJson.Default.DrillShape);
        foreach (var line in DrillText.Lines(summary))
            run.Report.Summary(line);
        return summary.ExitCode;
    }

    private static ExitCode ShowHistory(Invocation run)
    {
        var drills = run.Session.KnownClient is { } client ? new DrillHistory(run.Session.Surroundings).Of(client) : [];
        foreach (var drill in drills)
            run.Report.Json(DrillShape.Of(drill), OutputJson.Default.DrillShape);
        if (drills.Count == 0)
            run.Report.Note("There was no drill yet.");
        else
        {
            foreach (var line in DrillText.History(drills, run.Time))
                run.Report.Line(line);
        }
        return ExitCode.Done;
    }
}

internal sealed record DrillShape(
    string Time, string Root, string Client, long Files, long Good, long Compared, long Failed, long Bytes, long ElapsedMs, string? AsOf, string? KeptIn, FailureShape[]? Problems)
{
    public static DrillShape Of(DrillSummary summary) => Of(summary.Record) with { KeptIn = summary.KeptIn, Problems = [.. summary.Problems.Select(FailureShape.Of)] };

    public static DrillShape Of(DrillRecord record) => new(record.Time, record.Root, record.Client, record.Files, record.Good, record.Compared, record.Failed,
        record.Bytes, record.ElapsedMs, record.AsOf, null, null);
}

/// <summary>Drills in lines.</summary>
internal static class DrillText
{
    public static IEnumerable<string> Lines(DrillSummary summary)
    {
        var drill = summary.Record;
        yield return $"{drill.Good} of {Sizes.Count(drill.Files, "file")} came back as they were stored, {drill.Compared} compared with the root, "
            + $"{Sizes.Bytes(drill.Bytes)} in {Sizes.Time(TimeSpan.FromMilliseconds(drill.ElapsedMs))}";
        if (drill.Failed > 0)
            yield return $"{Sizes.Count(drill.Failed, "file")} did not; they are named above";
        if (summary.KeptIn is { } kept)
            yield return $"kept in {RootedPath.Escape(kept)}";
    }

    public static IEnumerable<string> History(IReadOnlyList<DrillRecord> drills, TimeProvider time)
    {
        var table = new TextTable("when", ">files", ">good", ">compared", ">failed", ">size", "took");
        foreach (var drill in drills)
        {
            table.Add(Times.Find(drill.Time, time) is { } at ? Times.Show(at, time) : drill.Time, drill.Files.ToString(), drill.Good.ToString(), drill.Compared.ToString(),
                drill.Failed.ToString(), Sizes.Bytes(drill.Bytes), Sizes.Time(TimeSpan.FromMilliseconds(drill.ElapsedMs)));
        }
        return table.Lines();
    }
}
