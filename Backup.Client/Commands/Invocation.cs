using System.CommandLine;
using Backup.Protocol;

namespace Backup.Client;

/// <summary>What a command gets to do its work with.</summary>
internal sealed record Invocation(Session Session, Report Report, ParseResult Parsed)
{
    public TimeProvider Time => Session.Surroundings.Time;

    public string Show(long unixMs) => Times.Show(unixMs, Time);

    /// <summary>The moment that a time, or a snapshot's name, means.</summary>
    public async Task<long?> AsOfAsync(Option<string?> option, CancellationToken ct) =>
        Parsed.GetValue(option) is { } text ? await Moment.ResolveAsync(Session, text, ct) : null;

    /// <summary>Reports to the person while a run is under way: names every file where that is wanted, and every problem.</summary>
    public Progress Progress() => new()
    {
        Stored = Session.Choices.Verbose ? receipt => Report.Detail($"{(receipt.Kind == VersionKind.Tombstone ? "deleted" : "done")}  {Sizes.Name(receipt.Path, receipt.Kind)}  version {receipt.Version}  on {string.Join(", ", receipt.Nodes)}") : null,
        Problem = Report.Problem,
        LeadsOutside = (path, target) => Report.Detail($"outside  {path.Display}@ leads to {RootedPath.Escape(target)}, which is not in the root"),
        Planned = (path, kind, sizeBytes) =>
        {
            Report.Line($"{(kind == VersionKind.Tombstone ? "deleted" : Sizes.Bytes(sizeBytes)),10}  {Sizes.Name(path, kind)}");
            Report.Json(new PlannedShape(path.Value, FileShape.NameOf(kind), sizeBytes), OutputJson.Default.PlannedShape);
        },
    };
}

/// <summary>A command: its place on the command line and what it does.</summary>
internal abstract class CommandLineCommand(string name, string description, string examples) : Command(name, description)
{
    /// <summary>Printed below the help.</summary>
    public string Examples { get; } = examples;

    public abstract Task<ExitCode> RunAsync(Invocation run, CancellationToken ct);

    protected static Option<string?> LimitOption() => new("--limit") { Description = "Send no faster than this: " + Bandwidth.Help, HelpName = "RATE" };

    protected static Option<bool> DryRunOption(string description) => new("--dry-run", "-n") { Description = description };

    protected static Option<string?> AsOfOption(string meaning = "As it was at that time: ") =>
        new("--as-of") { Description = meaning + Times.Help + "; or a snapshot's name", HelpName = "TIME" };
}
