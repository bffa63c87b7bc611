using System.CommandLine;
using Backup.Protocol;

namespace Backup.Client;

/// <summary><c>retention apply</c></summary>
internal sealed class RetentionApplyCommand : CommandLineCommand
{
    private readonly RetentionOptions options = new();
    private readonly Option<bool> yes = new("--yes", "-y") { Description = "Do not ask; needed where nobody can be asked" };

    public RetentionApplyCommand() : base("apply", "Drop what a policy does not keep, after showing it", """
        Examples:
          Backup.Client retention apply --keep-last 10 --keep-daily 30
          Backup.Client retention apply --yes       from a timer, with backup.json

        What is dropped can be brought back by `retention undo` for a while; until
        when is said at the end.
        """)
    {
        foreach (var option in options.All)
            Add(option);
        Add(yes);
    }

    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var policy = options.Read(run);
        if (!run.Parsed.GetValue(yes) && !await ConfirmAsync(run, policy, ct))
            return ExitCode.Done;
        var reply = await RetentionRun.RetainAsync(run.Session, policy, apply: true, ct);
        run.Report.Json(RetentionShape.Of(reply, applied: true), OutputJson.Default.RetentionShape);
        foreach (var line in RetentionText.Lines(reply, applied: true, run.Time))
            run.Report.Summary(line);
        return ExitCode.Done;
    }

    private static async Task<bool> ConfirmAsync(Invocation run, RetentionPolicy policy, CancellationToken ct)
    {
        if (!run.Session.Surroundings.IsTerminal || run.Report.IsJson)
            throw new Failure(FailureCode.InvalidRequest, "Nobody can be asked whether to drop what the policy does not keep.", "client",
                "Look at `retention preview`, then pass --yes.").Exception();
        var preview = await RetentionRun.RetainAsync(run.Session, policy, apply: false, ct);
        foreach (var line in RetentionText.Lines(preview, applied: false, run.Time))
            run.Report.Line(line);
        if (preview.Dropped.Length == 0 && preview.Versions == 0)
            return false;
        if (await new Screen(run.Session.Console).ConfirmAsync("Drop them?", ct))
            return true;
        run.Report.Note("Nothing was changed.");
        return false;
    }
}
