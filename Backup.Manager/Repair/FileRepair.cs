using System.Globalization;
using System.Text;
using Backup.Manager.Redis;
using Backup.Protocol;
using Microsoft.Extensions.Options;

namespace Backup.Manager;

/// <param name="Examined">Versions looked at.</param>
/// <param name="Copied">Copies made.</param>
/// <param name="Left">Versions that still need a copy.</param>
/// <param name="Lost">Versions without any good copy.</param>
/// <param name="Moved">Copies of files that went from one node to another to even the counts.</param>
public sealed record RepairedPage(long Examined, long Copied, long Bytes, long Left, long Lost, long Failures, long Moved, Failure? LastFailure)
{
    public static readonly RepairedPage None = new(0, 0, 0, 0, 0, 0, 0, null);
}

/// <summary>
/// Repairs some files of one client: ① plans, ② has the copies made, ③ notes in Redis where they lie now, ④ has the nodes that
/// gave copies up forget them. The danger is to lose a copy: so ③ changes only lines that are still what ① has read, and only
/// under the duty's token; and ④ names the pass's epoch, beyond which a node forgets nothing that came to it later.
/// </summary>
public sealed partial class FileRepair(
    Metadata metadata, Collection.Drops drops, NodeCalls calls, Reconciler reconciler, TimeProvider time, IOptions<ClusterOptions> options, ILogger<FileRepair> log)
{
    /// <summary>Lines changed by one script: it takes about as long as a commit of so many files.</summary>
    private const int LinesPerCallMax = 500;

    /// <summary>Repairs these files.</summary>
    /// <returns>Null when the duty has passed to another manager.</returns>
    public async Task<RepairedPage?> RunAsync(ClientId client, string[] paths, ClusterMoment now, RepairPass pass, long token, CancellationToken ct)
    {
        var files = await ReadAsync(client, [.. paths.Select(path => RootedPath.Parse(path))], ct);
        return await RunAsync(client, null, [.. files.Select(file => new Repaired(file.Path, file.Value, []))], now, pass, token, ct);
    }

    /// <summary>
    /// Repairs what retention dropped under one id, since an undo may bring it back. The versions of these files that were not
    /// dropped are looked at too: copies go where those lie, as far as may be.
    /// </summary>
    /// <returns>Null when the duty has passed to another manager.</returns>
    public async Task<RepairedPage?> RunDroppedAsync(ClientId client, string id, ClusterMoment now, RepairPass pass, long token, CancellationToken ct)
    {
        var dropped = await drops.ReadAsync(client, id, ct);
        var others = (await ReadAsync(client, [.. dropped.Select(file => file.Path)], ct)).ToDictionary(file => file.Path, file => FileLines.All(file.Path, file.Value));
        return await RunAsync(client, id, [.. dropped.Select(file => new Repaired(file.Path, file.Value, others.GetValueOrDefault(file.Path, [])))], now, pass with { Rebalances = false }, token, ct);
    }

    private async Task<List<(RootedPath Path, byte[] Value)>> ReadAsync(ClientId client, RootedPath[] paths, CancellationToken ct)
    {
        var values = await metadata.ReadManyAsync([.. paths.Select(path => Keys.File(client, path))], ct);
        return [.. paths.Zip(values).Where(pair => pair.Second is not null).Select(pair => (pair.First, pair.Second!))];
    }

    /// <param name="id">Under which all of it was dropped; null for what was not.</param>
    private async Task<RepairedPage?> RunAsync(ClientId client, string? id, List<Repaired> files, ClusterMoment now, RepairPass pass, long token, CancellationToken ct)
    {
        var copies = options.Value.Copies;
        var refs = now.Nodes.ToDictionary(node => node.Id, node => node.Line.Ref);
        var (nodes, unasked) = await NodesAsync(client, now, [.. files.SelectMany(file => file.Versions)], ct);
        var plan = new RepairPlan(nodes, copies); // ①
        var plans = files.Select(file => plan.Of(file.Together, pass.Rebalances).Where(one => file.Lines.ContainsKey(one.Version.Version)).ToList()).ToList();
        var wanted = plans.SelectMany(some => some).ToList();

        var run = new CopyRun(calls, refs, client, pass.Epoch, time); // ②
        await run.RunAsync(wanted, copies, ct);

        List<Change> changes = [];
        for (var i = 0; i < files.Count; i++)
        {
            foreach (var one in plans[i])
            {
                if (Change.Of(files[i].Path, files[i].Lines, one, one.After(run.Reached(one.Version.Version), copies), pass.Epoch, copies) is { } change)
                    changes.Add(change);
            }
        }
        var moved = new HashSet<Change>();
        foreach (var some in changes.Chunk(LinesPerCallMax))
        {
            if (await NoteAsync(id is null ? MoveCall(client, some, token) : MoveDroppedCall(client, id, some, token), some, moved, ct) is false) // ③
                return null;
        }
        await ForgetAsync(client, moved, now, pass.Epoch, ct); // ④
        await reconciler.AskAsync(changes.Where(change => !moved.Contains(change)).SelectMany(change => change.After.Except(change.Before)), ct);

        if (run.LastFailure is { } failure)
            LogNotCopied(log, failure.Code, failure.Culprit, failure.Message);
        var left = wanted.Count(one => one.IsStuck(copies) || (!one.IsLost && one.Targets.Any(to => !run.Reached(one.Version.Version).Contains(to))));
        return new RepairedPage(files.Sum(file => file.Versions.Length), wanted.Sum(one => run.Reached(one.Version.Version).Count), run.Bytes, left + unasked,
            wanted.Count(one => one.IsLost), run.Failures, moved.Count(change => change.IsMove), run.LastFailure);
    }

    /// <summary>The nodes as the plan sees them. Those whose directory is an old one are asked what they lack.</summary>
    /// <returns>And how many of these did not answer.</returns>
    private async Task<(List<RepairNode> Nodes, int Unasked)> NodesAsync(ClientId client, ClusterMoment now, FileVersion[] versions, CancellationToken ct)
    {
        var (nodes, unasked) = (new List<RepairNode>(), 0);
        foreach (var node in now.Nodes)
        {
            var health = node.State switch
            {
                NodeState.Dead => node.IsGone ? RepairHealth.Gone : RepairHealth.Away,
                NodeState.Draining => RepairHealth.Leaving,
                NodeState.Full => RepairHealth.Full,
                _ => RepairHealth.Takes,
            };
            HashSet<long>? lacking = null;
            if (node.StaleEpoch is not null && !node.IsHealed && node.State != NodeState.Dead)
            {
                lacking = await LackingAsync(client, node, versions, ct);
                // Nothing is known of it: it counts as one that may come back.
                if (lacking is null)
                    (health, unasked) = (RepairHealth.Away, unasked + 1);
            }
            nodes.Add(new RepairNode(node.Id, health, node.Files, node.Line.Space.FreeBytes, node.Line.Zone, node.Line.IncarnationEpoch, lacking));
        }
        return (nodes, unasked);
    }

    /// <returns>Null when it does not answer.</returns>
    private async Task<HashSet<long>?> LackingAsync(ClientId client, NodeView node, FileVersion[] versions, CancellationToken ct)
    {
        try
        {
            HashSet<long> lacking = [];
            foreach (var some in versions.Where(version => version.Nodes.Contains(node.Id)).Select(version => version.Version).Chunk(Limits.FilesPerCallMax))
                lacking.UnionWith((await calls.Inventory(node.Line.Ref).LackingAsync(client, new LackingRequest(some), ct)).Versions);
            return lacking;
        }
        catch (FailureException e)
        {
            LogNotCopied(log, e.Failure.Code, e.Failure.Culprit, e.Failure.Message);
            return null;
        }
    }

    private static ScriptCall MoveCall(ClientId client, Change[] changes, long token)
    {
        var call = new ScriptCall(Script.MoveCopies) { Count = changes.Length }
            .Key(Keys.Loads, Keys.Candidates, Keys.Debts, Keys.Duty(RepairWorker.Duty))
            .Arg(token).Arg(client.ToString()).Arg(Keys.FilePrefix(client).Length);
        var file = 0;
        RootedPath? last = null;
        foreach (var change in changes)
        {
            if (change.Path != last)
            {
                call.Key(Keys.File(client, change.Path));
                (file, last) = (file + 1, change.Path);
            }
            call.Arg(file).Arg(change.OldLine).Arg(change.NewLine);
        }
        return call;
    }

    private static ScriptCall MoveDroppedCall(ClientId client, string id, Change[] changes, long token)
    {
        var call = new ScriptCall(Script.MoveDropped) { Count = changes.Length }
            .Key(Keys.Duty(RepairWorker.Duty), Keys.Undoable(client), Keys.Dropped(client, id)).Arg(token).Arg(id);
        foreach (var change in changes)
            call.Arg(change.Path.Value).Arg(change.OldLine).Arg(change.NewLine);
        return call;
    }

    /// <returns>False when the duty has passed to another manager.</returns>
    private async Task<bool> NoteAsync(ScriptCall call, Change[] changes, HashSet<Change> moved, CancellationToken ct)
    {
        var reply = await metadata.RunAsync(call, ct);
        if (reply[0].Text == "fenced")
            return false;
        foreach (var number in reply[1].Texts)
            moved.Add(changes[int.Parse(number, CultureInfo.InvariantCulture) - 1]);
        return true;
    }

    private async Task ForgetAsync(ClientId client, IEnumerable<Change> moved, ClusterMoment now, long epoch, CancellationToken ct)
    {
        var given = moved.SelectMany(change => change.Before.Except(change.After).Select(node => (Node: node, change.Version)));
        foreach (var group in given.GroupBy(one => one.Node, one => one.Version))
        {
            // A dead one is compared with what is placed on it when it returns.
            if (now.Nodes.FirstOrDefault(node => node.Id == group.Key) is not { State: not NodeState.Dead } node)
                continue;
            try
            {
                foreach (var some in group.Chunk(Limits.FilesPerCallMax))
                    await calls.Collector(node.Line.Ref).ForgetAsync(client, new ForgetRequest(some, epoch), ct);
            }
            catch (FailureException e)
            {
                LogNotForgotten(log, node.Id, e.Failure.Message);
                await reconciler.AskAsync([node.Id], ct);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Some versions were not copied: {Code} ({Culprit}): {Message}")]
    private static partial void LogNotCopied(ILogger log, FailureCode code, string culprit, string message);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Node {Node} keeps copies that are placed elsewhere until it is compared: {Message}")]
    private static partial void LogNotForgotten(ILogger log, NodeId node, string message);

    /// <summary>A file some of whose versions are repaired.</summary>
    /// <param name="others">Versions that lie elsewhere in Redis and are seen to there.</param>
    private sealed class Repaired(RootedPath path, byte[] value, FileVersion[] others)
    {
        public RootedPath Path => path;

        public FileVersion[] Versions { get; } = FileLines.All(path, value);

        /// <summary>All versions, oldest first.</summary>
        public FileVersion[] Together => [.. Versions.Concat(others).OrderBy(version => version.Version)];

        public Dictionary<long, string> Lines { get; } = Encoding.ASCII.GetString(value).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .ToDictionary(line => long.Parse(line.AsSpan(0, line.IndexOf(' ')), CultureInfo.InvariantCulture));
    }

    /// <summary>A line as it was and as it shall be.</summary>
    private sealed record Change(RootedPath Path, long Version, string OldLine, string NewLine, NodeId[] Before, NodeId[] After)
    {
        /// <summary>As many copies as before, one of them elsewhere.</summary>
        public bool IsMove => Before.Length == After.Length;

        /// <returns>Null when the line stays as it is.</returns>
        public static Change? Of(RootedPath path, Dictionary<long, string> lines, VersionPlan plan, NodeId[] after, long epoch, int copies)
        {
            var version = plan.Version;
            var isSame = after.ToHashSet().SetEquals(version.Nodes);
            var isRenewed = plan.Targets.Intersect(version.Nodes).Intersect(after).Any();
            if (after.Length == 0 || (isSame && !isRenewed))
                return null;
            var old = lines[version.Version];
            var fields = old.Split(' ');
            fields[7] = Math.Max(version.Epoch, epoch).ToString(CultureInfo.InvariantCulture);
            fields[8] = FileLines.Join(after);
            fields[9] = Math.Max(0, copies - after.Length).ToString(CultureInfo.InvariantCulture);
            return new Change(path, version.Version, old, string.Join(' ', fields), version.Nodes, after);
        }
    }
}
