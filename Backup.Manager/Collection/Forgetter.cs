using System.Globalization;
using Backup.Manager.Alarms;
using Backup.Manager.Redis;
using Backup.Protocol;
using Backup.ServiceDefaults;

namespace Backup.Manager.Collection;

/// <summary>
/// The second phase: what was dropped and whose time to be brought back has passed is forgotten by its nodes, which then free
/// what no other version needs. One id at a time; a node that does not answer is asked again later. One manager of all does it.
/// </summary>
public sealed partial class Forgetter(Metadata metadata, NodeCalls calls, ClientRuns runs, TimeProvider time, ILogger<Forgetter> log) : Worker(time, log)
{
    public const string Duty = "forget-versions";

    /// <summary>A node that is away comes back or is given up within minutes; asking more often would only fill the log.</summary>
    private static readonly TimeSpan RetryTime = TimeSpan.FromMinutes(1);

    private readonly DutyLease duty = new(metadata, time, Duty);

    /// <summary>Days have passed already: some seconds do not matter.</summary>
    protected override TimeSpan IdleInterval => TimeSpan.FromSeconds(5);

    public override async Task<WorkerStep> StepAsync(CancellationToken cancellationToken)
    {
        if (await duty.TakeAsync(cancellationToken) is not { } token)
            return WorkerStep.Idle;
        var nowMs = Time.GetUtcNow().ToUnixTimeMilliseconds();
        if (await metadata.ReadUpToAsync(Keys.Drops, nowMs, 1, cancellationToken) is not [var member])
            return WorkerStep.Idle;
        var (client, id) = (ClientId.Parse(member.Split(' ')[0]), member.Split(' ')[1]);
        if (await runs.IsPausedAsync(client, cancellationToken))
        {
            // What a strange backup came after may be all that is left of the good state: it can still be brought back.
            await EndAsync(token, member, client, id, nowMs + (long)RetryTime.TotalMilliseconds, cancellationToken);
            return WorkerStep.Busy;
        }
        var begun = await metadata.RunAsync(new ScriptCall(Script.BeginForget)
            .Key(Keys.Duty(Duty), Keys.Drops, Keys.Undoable(client), Keys.Dropped(client, id)).Arg(token).Arg(nowMs).Arg(member).Arg(id), cancellationToken);
        if (begun[0].Text != "ok")
            return WorkerStep.Idle;
        var isDone = await ForgetAsync(client, begun[1].Pairs, cancellationToken);
        await EndAsync(token, member, client, id, isDone ? null : nowMs + (long)RetryTime.TotalMilliseconds, cancellationToken);
        return WorkerStep.Busy;
    }

    /// <param name="againMs">When to try again; null when it is done.</param>
    private Task EndAsync(long token, string member, ClientId client, string id, long? againMs, CancellationToken ct) =>
        metadata.RunAsync(new ScriptCall(Script.EndForget).Key(Keys.Duty(Duty), Keys.Drops, Keys.Dropped(client, id), Keys.Seq(client))
            .Arg(token).Arg(member).Arg(againMs?.ToString(CultureInfo.InvariantCulture) ?? "-"), ct);

    /// <returns>False when a node that may hold some of it did not answer.</returns>
    private async Task<bool> ForgetAsync(ClientId client, IEnumerable<(string Name, string Value)> dropped, CancellationToken ct)
    {
        var versions = Drops.Files(dropped).SelectMany(file => FileLines.All(file.Path, file.Value));
        var isDone = true;
        foreach (var node in versions.SelectMany(version => version.Nodes.Select(node => (node, version.Version))).GroupBy(pair => pair.node, pair => pair.Version))
        {
            try
            {
                // A node that never registered, or was removed for good, has nothing to forget.
                if ((await metadata.ReadHashAsync(Keys.Nodes, [node.Key.Value], ct))[0] is not { } line)
                    continue;
                foreach (var some in node.Chunk(Limits.FilesPerCallMax))
                    await calls.Collector(NodeLine.Parse(node.Key.Value, line).Ref).ForgetAsync(client, new ForgetRequest(some), ct);
                LogForgotten(log, client, node.Key, node.Count());
            }
            catch (FailureException e)
            {
                LogUnanswered(log, node.Key, e.Failure.Message);
                isDone = false;
            }
        }
        return isDone;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Node {Node} has forgotten {Versions} dropped versions of client {Client}")]
    private static partial void LogForgotten(ILogger log, ClientId client, NodeId node, int versions);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Node {Node} is asked again later to forget versions: {Reason}")]
    private static partial void LogUnanswered(ILogger log, NodeId node, string reason);
}
