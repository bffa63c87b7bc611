using System.Globalization;
using Backup.Manager.Redis;
using Backup.Protocol;

namespace Backup.Manager;

/// <summary>
/// Compares what a node holds with what is placed on it, a page at a time, and has it forget the rest: copies that went
/// elsewhere while it was away, versions that went for good, and uploads that were never committed.
/// </summary>
public sealed partial class Reconciler(Metadata metadata, Collection.Drops drops, NodeCalls calls, TimeProvider time, ILogger<Reconciler> log)
{
    /// <summary>Where each node begins.</summary>
    private const string Start = "-";

    /// <summary>A version that is younger may be under way still, whatever becomes of its reservation.</summary>
    private static readonly TimeSpan YoungTime = TimeSpan.FromHours(1);

    /// <summary>Wants these nodes compared, from the beginning.</summary>
    public async Task AskAsync(IEnumerable<NodeId> nodes, CancellationToken ct)
    {
        NodeId[] wanted = [.. nodes.Distinct()];
        if (wanted.Length == 0)
            return;
        var call = new ScriptCall(Script.AskRepair).Key(Keys.Reconcile).Arg(Start);
        foreach (var node in wanted)
            call.Arg(node.Value);
        await metadata.RunAsync(call, ct);
    }

    /// <returns>Where the next page begins; null when all was compared.</returns>
    public async Task<string?> StepAsync(NodeView node, CancellationToken ct)
    {
        var page = await calls.Inventory(node.Line.Ref).HeldAsync(Request(node.Reconciling!), ct);
        foreach (var group in page.Versions.GroupBy(version => version.Client))
        {
            var surplus = await SurplusAsync(node.Id, group.Key, [.. group], ct);
            // A copy that came since is of a later epoch than all of these.
            foreach (var some in surplus.GroupBy(version => version.Epoch))
            {
                var reply = await calls.Collector(node.Line.Ref).ForgetAsync(group.Key, new ForgetRequest([.. some.Select(version => version.Version)], some.Key), ct);
                LogForgotten(log, node.Id, reply.Forgotten, group.Key);
            }
        }
        return page.Next is { Client: { } client } next ? string.Create(CultureInfo.InvariantCulture, $"{client} {next.Version}") : null;
    }

    private async Task<List<HeldVersion>> SurplusAsync(NodeId node, ClientId client, HeldVersion[] held, CancellationToken ct)
    {
        // Reservations first: what is committed between the two questions then stands in its line.
        var reserved = await ReservedAsync(client, ct);
        var youngMs = (time.GetUtcNow() - YoungTime).ToUnixTimeMilliseconds();
        List<HeldVersion> surplus = [.. held];
        // Retention may take a version from its line to what lies aside, and an undo bring it back: what is found in neither, twice, is in neither.
        for (var look = 0; look < 2 && surplus.Count > 0; look++)
        {
            RootedPath[] paths = [.. surplus.Select(version => version.Path).Distinct()];
            var values = await metadata.ReadManyAsync([.. paths.Select(path => Keys.File(client, path))], ct);
            var placed = paths.Zip(values).Where(pair => pair.Second is not null).SelectMany(pair => FileLines.All(pair.First, pair.Second!))
                .DistinctBy(version => version.Version).ToDictionary(version => version.Version);
            surplus.RemoveAll(version => placed.TryGetValue(version.Version, out var line)
                ? line.Nodes.Contains(node)
                : version.TimeMs >= youngMs || reserved.Contains(version.Version));
            // What lies aside takes a question for each run of retention, and little of what a node holds does.
            RootedPath[] unplaced = [.. surplus.Where(version => !placed.ContainsKey(version.Version)).Select(version => version.Path).Distinct()];
            var aside = (unplaced.Length == 0 ? [] : await drops.AsideAsync(client, unplaced, ct)).DistinctBy(version => version.Version).ToDictionary(version => version.Version);
            surplus.RemoveAll(version => aside.TryGetValue(version.Version, out var line) && line.Nodes.Contains(node));
        }
        return surplus;
    }

    private async Task<HashSet<long>> ReservedAsync(ClientId client, CancellationToken ct)
    {
        var own = Keys.Member(client, "");
        var call = new ScriptCall(Script.ReservedVersions);
        foreach (var member in await metadata.ReadUpToAsync(Keys.Reservations, long.MaxValue, -1, ct))
        {
            if (member.StartsWith(own, StringComparison.Ordinal))
                call.Key(Keys.Reservation(member));
        }
        return [.. (await metadata.RunAsync(call, ct)).Texts.Select(text => long.Parse(text, CultureInfo.InvariantCulture))];
    }

    private static HeldRequest Request(string cursor)
    {
        if (cursor == Start)
            return new HeldRequest(null, 0, Limits.FilesPerCallMax);
        var fields = cursor.Split(' ');
        return new HeldRequest(ClientId.Parse(fields[0]), long.Parse(fields[1], CultureInfo.InvariantCulture), Limits.FilesPerCallMax);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Node {Node} forgot {Count} versions of client {Client} that are not placed on it")]
    private static partial void LogForgotten(ILogger log, NodeId node, int count, ClientId client);
}
