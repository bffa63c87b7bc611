using System.CommandLine;
using Backup.Protocol;

namespace Backup.Client;

/// <summary><c>cluster events</c></summary>
internal sealed class ClusterEventsCommand : CommandLineCommand
{
    private const int LimitDefault = 50;

    /// <summary>What happens in a cluster takes seconds: a lease lapses after some.</summary>
    private static readonly TimeSpan FollowEvery = TimeSpan.FromSeconds(2);

    private readonly Option<int> limit = new("--last") { Description = $"The last N events; {LimitDefault} when nothing is said, {Limits.ListPageMax} at most", HelpName = "N", DefaultValueFactory = _ => LimitDefault };
    private readonly Option<bool> follow = new("--follow", "-f") { Description = "Go on with what happens, until Ctrl-C" };
    private readonly Option<bool> bad = new("--bad", "-b") { Description = "Only warnings and errors" };

    public ClusterEventsCommand() : base("events", "Say what the cluster noticed and did, the newest last", """
        Examples:
          Backup.Client cluster events
          Backup.Client cluster events --bad --last 500
          Backup.Client cluster events --follow
        """)
    {
        Add(limit);
        Add(follow);
        Add(bad);
    }

    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var (last, onlyBad) = (run.Parsed.GetValue(limit), run.Parsed.GetValue(bad));
        if (last is < 1 or > Limits.ListPageMax)
            throw Failure.InvalidRequest($"--last takes 1 to {Limits.ListPageMax}.").Exception();
        var cluster = run.Session.ConnectAsNobody();
        // Of the bad ones as many are wanted as were asked for, and which they are is only known here.
        var all = (await cluster.AskAsync(node => node.EventsAsync(new EventsRequest(0, onlyBad ? Limits.ListPageMax : last), ct), ct)).Events;
        var after = all.Length > 0 ? all[^1].Sequence : 0;
        Show(run, all.Where(e => IsWanted(e, onlyBad)).TakeLast(last));
        if (!run.Parsed.GetValue(follow))
        {
            if (all.Length == 0)
                run.Report.Note("Nothing has happened yet.");
            return ExitCode.Done;
        }
        while (true)
        {
            run.Session.Surroundings.Out.Flush();
            await Task.Delay(FollowEvery, run.Time, ct);
            var more = (await cluster.AskAsync(node => node.EventsAsync(new EventsRequest(after, Limits.ListPageMax), ct), ct)).Events;
            after = more.Length > 0 ? more[^1].Sequence : after;
            Show(run, more.Where(e => IsWanted(e, onlyBad)));
        }
    }

    private static bool IsWanted(ClusterEvent happened, bool onlyBad) => !onlyBad || happened.Severity != EventSeverity.Info;

    private static void Show(Invocation run, IEnumerable<ClusterEvent> events)
    {
        foreach (var happened in events)
        {
            run.Report.Json(EventShape.Of(happened), OutputJson.Default.EventShape);
            run.Report.Line(ClusterText.Event(happened, run.Time));
        }
    }
}
