using System.CommandLine;
using System.Text.Json;
using Backup.Protocol;

namespace Backup.Client;

/// <summary><c>diff FROM [TO]</c></summary>
internal sealed class DiffCommand : CommandLineCommand
{
    private readonly Argument<string> from = new("FROM") { Description = "The earlier moment: " + Times.Help + "; or a snapshot's name" };
    private readonly Argument<string?> to = new("TO") { Description = "The later moment; none means now", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<string?> path = new("--path") { Description = "Only this file, or this folder with all below", HelpName = "PATH" };

    public DiffCommand() : base("diff", "Say what changed between two moments", """
        Examples:
          Backup.Client diff yesterday               since the end of yesterday
          Backup.Client diff release-1 release-2     between two snapshots
          Backup.Client diff 7d 1d --path photos     in a folder

        +  added    -  deleted    ~  changed    m  only mode or mtime
        What is compared is what is stored; `backup -n` compares the root with it.
        """)
    {
        Add(from);
        Add(to);
        Add(path);
    }

    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var inside = run.Parsed.GetValue(path) is { } given ? run.Session.Resolve(given) : "";
        var before = await Moment.ResolveAsync(run.Session, run.Parsed.GetRequiredValue(from), ct);
        long? after = run.Parsed.GetValue(to) is { } text ? await Moment.ResolveAsync(run.Session, text, ct) : null;
        var cluster = run.Session.ConnectToRead();
        var changes = TreeDiff.CompareAsync(cluster.ListTreeAsync(inside, before, ct), cluster.ListTreeAsync(inside, after, ct), ct);
        var counts = new long[Enum.GetValues<TreeChangeKind>().Length];
        await foreach (var change in changes)
        {
            counts[(int)change.Kind]++;
            run.Report.Json(DiffShape.Of(change), OutputJson.Default.DiffShape);
            if (!run.Report.IsJson)
                run.Report.Line(DiffText.Line(change));
        }
        run.Report.Note(counts.Sum() == 0 ? "Nothing changed." : DiffText.Counts(counts));
        return ExitCode.Done;
    }
}

/// <summary>A line of <c>diff --json</c>.</summary>
internal sealed record DiffShape(string Change, string Path, FileShape? Before, FileShape? After)
{
    public static DiffShape Of(TreeChange change) => new(JsonNamingPolicy.CamelCase.ConvertName(change.Kind.ToString()), change.Any.Path.Value,
        change.Before is { } before ? FileShape.Of(before) : null, change.After is { } after ? FileShape.Of(after) : null);
}

/// <summary>Differences in lines.</summary>
internal static class DiffText
{
    public static string Line(TreeChange change) => $"{Mark(change.Kind)}  {Size(change),20}  {Sizes.Name(change.Any.Path, change.Any.Kind)}";

    public static string Counts(long[] counts) => $"{counts[(int)TreeChangeKind.Added]} added, {counts[(int)TreeChangeKind.Deleted]} deleted, "
        + $"{counts[(int)TreeChangeKind.Changed]} changed, {counts[(int)TreeChangeKind.Attributes]} with another mode or mtime";

    private static char Mark(TreeChangeKind kind) => kind switch
    {
        TreeChangeKind.Added => '+',
        TreeChangeKind.Deleted => '-',
        TreeChangeKind.Changed => '~',
        _ => 'm',
    };

    private static string Size(TreeChange change) => change.Any.Kind == VersionKind.Folder ? ""
        : change is { Kind: TreeChangeKind.Changed, Before: { } before, After: { } after } && before.SizeBytes != after.SizeBytes
            ? $"{Sizes.Bytes(before.SizeBytes)} > {Sizes.Bytes(after.SizeBytes)}" : Sizes.Bytes(change.Any.SizeBytes);
}
