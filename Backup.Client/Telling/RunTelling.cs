using System.Diagnostics;
using Backup.Protocol;

namespace Backup.Client;

/// <summary>
/// Tells the cluster that a run has ended: a backup that found nothing to store, or a drill, would leave no trace there otherwise.
/// That this failed takes nothing from the run.
/// </summary>
internal sealed class RunTelling(Session session, RunKind kind)
{
    /// <summary>What a person waits for at the end of a run whose cluster has gone meanwhile.</summary>
    private static readonly TimeSpan PatienceTime = TimeSpan.FromSeconds(5);

    private readonly string id = Guid.NewGuid().ToString("N");
    private readonly long startedMs = session.Surroundings.Time.GetUtcNow().ToUnixTimeMilliseconds();

    public static RunOutcome OutcomeOf(ExitCode code) => code switch
    {
        ExitCode.Done => RunOutcome.Done,
        ExitCode.Incomplete => RunOutcome.Incomplete,
        ExitCode.Interrupted => RunOutcome.Interrupted,
        _ => RunOutcome.Failed,
    };

    /// <param name="failure">Why nothing was done; null when something was.</param>
    public async Task TellAsync(ClusterConnection cluster, RunOutcome outcome, bool isWhole, RunCounts counts, Failure? failure = null)
    {
        var report = new RunReport(id, kind, outcome, startedMs, session.Surroundings.Time.GetUtcNow().ToUnixTimeMilliseconds(), isWhole, counts,
            Activity.Current is { } span ? span.TraceId.ToString() : null, failure is null ? null : failure.Message[..Math.Min(failure.Message.Length, RunReport.MessageCharsMax)]);
        // Also of a run that was stopped: that is worth knowing.
        using var patience = new CancellationTokenSource(PatienceTime, session.Surroundings.Time);
        try
        {
            var standing = await cluster.AskAsync(node => node.ReportRunAsync(cluster.Client, report, patience.Token), patience.Token);
            if (kind == RunKind.Backup && standing.Unusual is { } unusual)
                session.Say($"The cluster finds it strange that a backup changed or deleted {unusual.Touched} of {unusual.Files} files: retention pauses until an operator says that this is fine.");
        }
        catch (FailureException e)
        {
            session.Say($"The cluster was not told of this run: {RootedPath.Escape(e.Failure.Message)}");
        }
        catch (OperationCanceledException)
        {
            session.Say("The cluster was not told of this run: it did not answer.");
        }
    }
}
