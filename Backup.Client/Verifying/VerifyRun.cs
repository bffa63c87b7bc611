using Backup.Protocol;

namespace Backup.Client;

/// <summary>What is to be verified.</summary>
/// <param name="Paths">As the person wrote them; none means everything.</param>
/// <param name="ReadData">Read every byte of every copy, instead of asking the nodes when they last did.</param>
internal sealed record VerifyRequest(IReadOnlyList<string> Paths, long? AsOfMs = null, long? Version = null, bool ReadData = false);

/// <summary>One verification from start to end; the command and the menu run the same. It changes nothing anywhere.</summary>
internal sealed class VerifyRun(Session session, VerifyRequest request, Progress progress, Action<CopyProblem>? problem = null)
{
    private readonly SortedDictionary<string, NodeTally> tallies = new(StringComparer.Ordinal);
    private readonly List<CopyProblem> problems = [];
    private readonly Dictionary<long, int> goodCopies = [];
    private long files;
    private long owed;
    private long lost;
    private long bad;

    /// <exception cref="FailureException">Nothing could be verified.</exception>
    public async Task<VerifySummary> RunAsync(CancellationToken ct)
    {
        var started = session.Surroundings.Time.GetTimestamp();
        var telling = new RunTelling(session, RunKind.Verify);
        var cluster = session.ConnectToRead();
        var selection = new Selection(cluster, [.. request.Paths.Select(session.Resolve)], request.AsOfMs, request.Version);
        await foreach (var file in selection.FilesAsync(ct))
        {
            progress.FilesPlanned += file.Nodes.Length;
            progress.BytesPlanned += request.ReadData ? file.SizeBytes * file.Nodes.Length : 0;
        }
        if (progress.FilesPlanned == 0)
            throw new Failure(FailureCode.NotFound, "Nothing is stored that could be verified.", "client", "`list` shows what is there.").Exception();
        var window = new List<FileVersion>();
        await foreach (var file in selection.FilesAsync(ct))
        {
            window.Add(file);
            if (window.Count < Limits.FilesPerCallMax)
                continue;
            await CheckAsync(cluster, window, ct);
            window.Clear();
        }
        await CheckAsync(cluster, window, ct);
        var summary = new VerifySummary(request.ReadData, files, owed, lost, progress.Counters.BytesRead,
            (long)session.Surroundings.Time.GetElapsedTime(started).TotalMilliseconds, tallies, problems, bad);
        await telling.TellAsync(cluster, RunTelling.OutcomeOf(summary.ExitCode), request is { Paths.Count: 0, AsOfMs: null, Version: null },
            new RunCounts(0, 0, 0, tallies.Values.Sum(tally => tally[CopyFinding.Good]), tallies.Values.Sum(tally => tally[CopyFinding.Damaged] + tally[CopyFinding.Missing]), progress.Counters.BytesRead, 0));
        return summary;
    }

    private async Task CheckAsync(ClusterConnection cluster, List<FileVersion> window, CancellationToken ct)
    {
        if (window.Count == 0)
            return;
        var nodes = (await cluster.AskAsync(node => node.ClusterAsync(ct), ct)).Nodes.ToDictionary(node => node.Id);
        goodCopies.Clear();
        foreach (var node in window.SelectMany(file => file.Nodes).Distinct().Order())
        {
            FileVersion[] held = [.. window.Where(file => file.Nodes.Contains(node))];
            if (!nodes.TryGetValue(node, out var status))
                FoundAll(held, node, "the cluster does not know the node any more");
            else if (status.State == NodeState.Dead)
                FoundAll(held, node, "the node is dead");
            else if (request.ReadData)
                await ReadAsync(cluster, node, held, ct);
            else
                await AskAsync(cluster, new NodeRef(node, status.Address), held, ct);
        }
        files += window.Count;
        owed += window.Sum(file => file.CopiesOwed);
        lost += window.Count(file => !goodCopies.ContainsKey(file.Version));
    }

    /// <summary>Each version from this node only: what another copy could serve does not help here.</summary>
    private Task ReadAsync(ClusterConnection cluster, NodeId node, FileVersion[] held, CancellationToken ct)
    {
        var target = new DiscardingTarget(
            (version, head) => Found(version, node, CopyFinding.Good, bytes: head.SizeBytes),
            (version, failure) => Found(version, node, FindingOf(failure), failure.Message));
        return new Restorer(cluster, progress.Counters) { FollowsMoves = false }.RestoreAsync([.. held.Select(file => file with { Nodes = [node] })], target, ct);
    }

    private async Task AskAsync(ClusterConnection cluster, NodeRef node, FileVersion[] held, CancellationToken ct)
    {
        try
        {
            var reply = await CopyStates.AskAsync(cluster, node, held, ct);
            foreach (var (file, copy) in held.Zip(reply))
            {
                progress.Counters.Files++;
                if (copy.Damaged)
                    Found(file, node.Id, CopyFinding.Damaged, "the node found it damaged");
                else if (!copy.Held)
                    Found(file, node.Id, CopyFinding.Missing, "the node does not hold it");
                else
                    Found(file, node.Id, CopyFinding.Good, verifiedMs: copy.VerifiedMs);
            }
        }
        catch (FailureException e)
        {
            FoundAll(held, node.Id, e.Failure.Message);
        }
    }

    private void FoundAll(FileVersion[] held, NodeId node, string why)
    {
        progress.Counters.Files += held.Length;
        foreach (var file in held)
            Found(file, node, CopyFinding.Unknown, why);
    }

    private void Found(FileVersion file, NodeId node, CopyFinding finding, string why = "", long bytes = 0, long? verifiedMs = null)
    {
        if (!tallies.TryGetValue(node.Value, out var tally))
            tallies[node.Value] = tally = new NodeTally();
        tally.Add(finding, bytes, verifiedMs);
        if (finding == CopyFinding.Good)
        {
            goodCopies[file.Version] = goodCopies.GetValueOrDefault(file.Version) + 1;
            return;
        }
        bad++;
        var found = new CopyProblem(file.Path, file.Version, node, finding, why);
        if (problems.Count < BackupSummary.ReceiptsKept)
            problems.Add(found);
        problem?.Invoke(found);
    }

    private static CopyFinding FindingOf(Failure failure) => failure.Code switch
    {
        FailureCode.Corrupt or FailureCode.DigestMismatch or FailureCode.DiskFailed => CopyFinding.Damaged,
        FailureCode.NotFound or FailureCode.MissingChunks => CopyFinding.Missing,
        _ => CopyFinding.Unknown,
    };
}
