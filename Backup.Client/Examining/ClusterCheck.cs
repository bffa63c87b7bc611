using Backup.Protocol;

namespace Backup.Client;

/// <summary>Looks at the cluster: every server by itself, then what the cluster says of itself and of this client.</summary>
internal static class ClusterCheck
{
    private const string Area = "cluster";

    /// <summary>A server that is up answers within milliseconds.</summary>
    private static readonly TimeSpan PatienceTime = TimeSpan.FromSeconds(5);

    /// <summary>A restore as of a time is as wrong as the clock by which the person says it.</summary>
    private static readonly TimeSpan ClockErrorMax = TimeSpan.FromSeconds(30);

    /// <summary>Whoever backs up less often than this may mean to; it is said, not blamed.</summary>
    private static readonly TimeSpan BackupAgeMax = TimeSpan.FromDays(2);

    private const int EventsLooked = 200;

    public static async Task<IReadOnlyList<Finding>> FindAsync(Session session, CancellationToken ct)
    {
        var findings = new List<Finding>();
        ClusterStatus? status = null;
        foreach (var server in session.Settings.Servers)
        {
            var (found, answer) = await AskAsync(session, server, ct);
            findings.Add(found);
            status ??= answer;
        }
        if (findings.TrueForAll(finding => finding.State == FindingState.Wrong))
            findings.Add(new Finding(Area, "reachable", FindingState.Wrong, "no server can be reached", "Start the cluster, or name its nodes with --server URL or \"servers\" in backup.json."));
        else
        {
            // Any one server does: the others are no obstacle.
            for (var i = 0; i < findings.Count; i++)
                findings[i] = findings[i].State == FindingState.Wrong ? findings[i] with { State = FindingState.Notice } : findings[i];
        }
        if (status is null)
            return findings;
        findings.AddRange(OfStatus(status, session.Surroundings.Time));
        findings.AddRange(await EventsAsync(session, ct));
        if (session.Settings.Root is not null && session.KnownClient is not null)
            findings.AddRange(await BackupsAsync(session, ct));
        return findings;
    }

    private static async Task<(Finding, ClusterStatus?)> AskAsync(Session session, Uri server, CancellationToken ct)
    {
        var address = server.GetLeftPart(UriPartial.Authority);
        using var deadline = new CancellationTokenSource(PatienceTime, session.Surroundings.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, deadline.Token);
        try
        {
            var status = await session.AskAsNobody(server).ClusterAsync(either.Token);
            return (Finding.Fine(Area, address, "answers"), status);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return (new Finding(Area, address, FindingState.Wrong, $"does not answer within {PatienceTime.TotalSeconds} s", "See whether it runs, and whether something between here and there swallows connections."), null);
        }
        catch (FailureException e)
        {
            return (new Finding(Area, address, FindingState.Wrong, e.Failure.Message, e.Failure.Advice), null);
        }
    }

    private static IEnumerable<Finding> OfStatus(ClusterStatus status, TimeProvider time)
    {
        yield return status.Healthy ? Finding.Fine(Area, "health", ClusterText.Headline(status))
            : new Finding(Area, "health", FindingState.Notice, $"degraded: {string.Join(" ", status.Problems.Select(RootedPath.Escape))}", "`cluster status` and `cluster events --bad` say more.");
        var taking = status.Nodes.Count(node => node.State == NodeState.Alive);
        if (taking < status.Copies)
            yield return new Finding(Area, "space", FindingState.Wrong, $"only {Sizes.Count(taking, "node takes", "nodes take")} files, and {status.Copies} copies are asked for", "Bring nodes back, make room on them, or add one.");
        var error = TimeSpan.FromMilliseconds(Math.Abs(status.NowMs - time.GetUtcNow().ToUnixTimeMilliseconds()));
        yield return error <= ClockErrorMax ? Finding.Fine(Area, "clock", "this machine's clock agrees with the cluster's")
            : new Finding(Area, "clock", FindingState.Notice, $"this machine's clock and the cluster's are {Sizes.Time(error)} apart", "Set the clock, or run an NTP client: times in --as-of are those of the cluster.");
    }

    private static async Task<Finding[]> EventsAsync(Session session, CancellationToken ct)
    {
        try
        {
            var reply = await session.ConnectAsNobody().AskAsync(node => node.EventsAsync(new EventsRequest(0, EventsLooked), ct), ct);
            var errors = reply.Events.Where(e => e.Severity == EventSeverity.Error).ToList();
            return errors.Count == 0 ? []
                : [new Finding(Area, "events", FindingState.Notice, $"{Sizes.Count(errors.Count, "error")} of late, the last: {RootedPath.Escape(errors[^1].Message)}", "`cluster events --bad` lists them.")];
        }
        catch (FailureException e)
        {
            return [new Finding(Area, "events", FindingState.Notice, $"what happened cannot be read: {e.Failure.Message}", e.Failure.Advice)];
        }
    }

    private static async Task<Finding[]> BackupsAsync(Session session, CancellationToken ct)
    {
        try
        {
            using var own = new Session(session.Surroundings, session.Choices);
            var snapshots = await own.ConnectToRead().SnapshotsAsync(ct);
            if (snapshots.Length == 0)
                return [new Finding(Area, "backups", FindingState.Notice, "no backup of the whole root was made yet", "Run `backup`, then `schedule` or `watch`.")];
            var age = session.Surroundings.Time.GetUtcNow() - DateTimeOffset.FromUnixTimeMilliseconds(snapshots[^1].TimeMs);
            var message = $"{Sizes.Count(snapshots.Length, "snapshot")}, the last {Sizes.Time(age < TimeSpan.Zero ? TimeSpan.Zero : age)} ago";
            return [age <= BackupAgeMax ? Finding.Fine(Area, "backups", message) : new Finding(Area, "backups", FindingState.Notice, message, "`schedule` has backups made by themselves.")];
        }
        catch (FailureException e)
        {
            return [new Finding(Area, "backups", FindingState.Notice, e.Failure.Message, e.Failure.Advice)];
        }
    }
}
