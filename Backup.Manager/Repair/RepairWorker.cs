using System.Globalization;
using Backup.Manager.Redis;
using Backup.Protocol;
using Backup.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Backup.Manager;

/// <summary>
/// Sees to it that each version has its copies: one page of files at a time, of one client after the other, first what is listed and
/// then what retention dropped and an undo may bring back. Then it compares nodes that came back with what is placed on them. One manager of all does it; how far it is stands in Redis, and whoever takes over goes on there.
/// </summary>
public sealed partial class RepairWorker(
    Metadata metadata, ClusterView view, FileWalk walk, FileRepair files, Reconciler reconciler, EventLog events, TimeProvider time, IOptions<ClusterOptions> options, ILogger<RepairWorker> log)
    : Worker(time, log)
{
    /// <summary>The background duty.</summary>
    public const string Duty = "repair";

    /// <summary>Files looked at in one step: half a call of Redis, and some seconds of copying small files.</summary>
    private const int NamesPerStep = 500;

    /// <summary>What was last said of lost versions is noted under this: no node has such an id.</summary>
    private const string LostNotice = "*lost";

    private readonly DutyLease duty = new(metadata, time, Duty);

    /// <summary>The last page ended in the middle: what it noted of it in Redis, and what it did not, is not known.</summary>
    private bool isBroken;

    /// <summary>A heartbeat: what changes is not known sooner.</summary>
    protected override TimeSpan IdleInterval => Leases.Heartbeat;

    /// <summary>While copies are missing another failure loses data: half the time is rest for those who wait for answers, not more.</summary>
    protected override double RestPerWork => 0.5;

    public override async Task<WorkerStep> StepAsync(CancellationToken cancellationToken)
    {
        if (await duty.TakeAsync(cancellationToken) is not { } token)
            return WorkerStep.Idle;
        var now = await view.ReadAsync(cancellationToken);
        var pass = now.Repair;
        if (!pass.Running)
        {
            var reasons = RepairReasons.Due(now, options.Value.Copies);
            if (reasons.Length == 0)
                return await ReconcileAsync(now, token, cancellationToken);
            LogBegins(log, string.Join(' ', reasons));
            pass = RepairPass.None with
            {
                Running = true,
                Reasons = reasons,
                Conditions = RepairReasons.Conditions(now),
                Rebalances = pass.IsRebalanceAsked,
                StartedMs = now.NowMs,
            };
        }
        if (now.Repair.Running && (isBroken || pass.Token != token))
        {
            // Copies may have been noted elsewhere without the nodes having been told to forget theirs.
            await reconciler.AskAsync(now.Nodes.Select(node => node.Id), cancellationToken);
            isBroken = false;
        }
        if (pass.Token != token)
        {
            // A new pass, or one that another manager had begun: an epoch of its own tells its copies from those made before. What is asked for during a pass is left to the next.
            (string, string)[] seenTo = now.Repair.Running ? [] : [(RepairPass.AskedField, ""), (RepairPass.RebalanceField, "")];
            if (await SaveAsync(Keys.Repair, token, newEpoch: true, [.. (pass with { Token = token }).Fields(), .. seenTo], cancellationToken) is not { } epoch)
                return WorkerStep.Idle;
            pass = pass with { Token = token, Epoch = epoch };
        }
        // A node that registered since refuses what is older than its registration.
        pass = pass with { Epoch = Math.Max(pass.Epoch, now.Epoch) };
        isBroken = true;
        var goesOn = await HoldingAsync(token, ct => PageAsync(now, pass, token, ct), cancellationToken);
        isBroken = false;
        return goesOn ? WorkerStep.Busy : WorkerStep.Idle;
    }

    /// <summary>Repairs the next page and notes how far the pass is.</summary>
    /// <returns>False when the pass has ended, or belongs to another manager now.</returns>
    private async Task<bool> PageAsync(ClusterMoment now, RepairPass pass, long token, CancellationToken ct)
    {
        var started = Time.GetTimestamp();
        if (await walk.NextAsync(pass.Client, pass.Path, NamesPerStep, ct) is not { } page)
            return await EndAsync(now, pass, token, ct);
        var done = page.DroppedId is { } id ? await files.RunDroppedAsync(page.Client, id, now, pass, token, ct)
            : page.Paths.Length > 0 ? await files.RunAsync(page.Client, page.Paths, now, pass, token, ct)
            : RepairedPage.None;
        if (done is null)
            return false;
        pass = pass with
        {
            Client = page.NextClient,
            Path = page.NextPath,
            Examined = pass.Examined + done.Examined,
            Copied = pass.Copied + done.Copied,
            Bytes = pass.Bytes + done.Bytes,
            Left = pass.Left + done.Left,
            VersionsLost = pass.VersionsLost + done.Lost,
            Failures = pass.Failures + done.Failures,
            Moved = pass.Moved + done.Moved,
            CopyMs = pass.CopyMs + (done.Copied > 0 ? (long)Time.GetElapsedTime(started).TotalMilliseconds : 0),
        };
        return await SaveAsync(Keys.Repair, token, newEpoch: false, pass.Fields(), ct) is not null;
    }

    private async Task<bool> EndAsync(ClusterMoment now, RepairPass pass, long token, CancellationToken ct)
    {
        if (pass.Left == 0)
        {
            // What arose since the pass began needs another one.
            var call = new ScriptCall(Script.HealNodes).Key(Keys.Duty(Duty), Keys.Healed, Keys.Repair).Arg(token);
            foreach (var (node, condition) in RepairReasons.Healed(pass.Conditions))
                call.Arg(node).Arg(condition);
            if ((await metadata.RunAsync(call, ct))[0].Text == "fenced")
                return false;
        }
        // Before the pass counts as ended: nobody would come back to say it.
        var said = now.Noticed.GetValueOrDefault(LostNotice, "");
        var lost = pass.VersionsLost > 0 ? pass.VersionsLost.ToString(CultureInfo.InvariantCulture) : "";
        if (lost != said)
        {
            await events.NoticeAsync(LostNotice, said, lost, "cluster", lost.Length == 0 ? []
                : [(EventKind.VersionLost, EventSeverity.Error, $"{lost} versions have no good copy on a node that is alive.")], ct);
        }
        // Its token goes, so that the next pass takes an epoch of its own.
        pass = pass with { Running = false, EndedMs = now.NowMs, Client = "", Path = "", Token = 0 };
        if (await SaveAsync(Keys.Repair, token, newEpoch: false, pass.Fields(), ct) is null)
            return false;
        LogEnded(log, pass.Examined, pass.Copied, pass.Left, pass.VersionsLost);
        if (pass.Rebalances)
            await events.AddAsync(EventKind.Rebalanced, EventSeverity.Info, "cluster", $"{pass.Moved} copies were moved from nodes with many files to nodes with few.", ct);
        return false;
    }

    private async Task<WorkerStep> ReconcileAsync(ClusterMoment now, long token, CancellationToken ct)
    {
        foreach (var node in now.Nodes.Where(node => node.Reconciling is not null && node.IsMerged && node.State != NodeState.Dead))
        {
            try
            {
                var cursor = await HoldingAsync(token, stop => reconciler.StepAsync(node, stop), ct);
                return await SaveAsync(Keys.Reconcile, token, newEpoch: false, [(node.Id.Value, cursor ?? "")], ct) is null ? WorkerStep.Idle : WorkerStep.Busy;
            }
            catch (FailureException e) when (e.Failure.Code != FailureCode.MetadataUnavailable)
            {
                // The other nodes need not wait for it.
                LogNotReconciled(log, node.Id, e.Failure.Message);
            }
        }
        return WorkerStep.Idle;
    }

    /// <summary>Keeps the duty while something runs that may take longer than its lease; stops that when the duty is lost.</summary>
    private async Task<T> HoldingAsync<T>(long token, Func<CancellationToken, Task<T>> work, CancellationToken ct)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var running = work(stop.Token);
        try
        {
            while (await Task.WhenAny(running, Task.Delay(Leases.Duty / 3, Time, stop.Token)) != running && await duty.TakeAsync(ct) == token)
            {
            }
        }
        finally
        {
            // Also where Redis could not be asked for the duty: nothing goes on that the next step would begin again beside it.
            await stop.CancelAsync();
            await ((Task)running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        return await running;
    }

    private async Task<long?> SaveAsync(string key, long token, bool newEpoch, IEnumerable<(string Field, string Value)> fields, CancellationToken ct)
    {
        var call = new ScriptCall(Script.SaveRepair).Key(Keys.Duty(Duty), key, Keys.Epoch).Arg(token).Arg(newEpoch ? "1" : "0");
        foreach (var (field, value) in fields)
            call.Arg(field).Arg(value);
        var reply = await metadata.RunAsync(call, ct);
        return reply[0].Text == "ok" ? reply[1].Number : null;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "A pass of repair begins. {Reasons}")]
    private static partial void LogBegins(ILogger log, string reasons);

    [LoggerMessage(Level = LogLevel.Information, Message = "The pass has ended: {Examined} versions seen, {Copied} copies made, {Left} versions still need one, {Lost} have none")]
    private static partial void LogEnded(ILogger log, long examined, long copied, long left, long lost);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Node {Node} could not be compared with what is placed on it: {Message}")]
    private static partial void LogNotReconciled(ILogger log, NodeId node, string message);
}
