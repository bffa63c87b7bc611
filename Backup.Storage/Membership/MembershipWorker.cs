using Backup.Protocol;
using Backup.Storage.Packs;
using Microsoft.Extensions.Options;

namespace Backup.Storage.Membership;

/// <summary>Registers this node with the manager and renews its lease, for ever: a manager that is away is waited for.</summary>
public sealed partial class MembershipWorker(
    IManager manager, Peers peers, PackStore store, IOptions<NodeOptions> options, TimeProvider time, ILogger<MembershipWorker> log) : BackgroundService
{
    /// <summary>Until the manager names a rhythm, and while it does not answer.</summary>
    private static readonly TimeSpan RetryTime = TimeSpan.FromMilliseconds(500);

    private TimeSpan rhythm = RetryTime;
    private bool registered;

    /// <summary>The highest heard of: a manager that says less has lost commits.</summary>
    private long generation = store.Generation;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await StepAsync(stoppingToken);
                await Task.Delay(rhythm, time, stoppingToken);
            }
            catch (FailureException e)
            {
                LogUnanswered(log, e.Failure.Code, e.Failure.Message);
                await Task.Delay(RetryTime, time, stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                // Out of file handles, say. A node that ended here would serve nobody; one that goes on is back when there are some.
                LogFailed(log, e);
                await Task.Delay(RetryTime, time, stoppingToken);
            }
        }
    }

    /// <summary>Registers or renews, once.</summary>
    internal async Task StepAsync(CancellationToken ct)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        deadline.CancelAfter(TimeSpan.FromSeconds(5));
        try
        {
            await (registered ? RenewAsync(deadline.Token) : RegisterAsync(deadline.Token));
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new Failure(FailureCode.ManagerUnreachable, "The manager does not answer.", "manager", "Nothing to do: the node goes on asking.").Exception();
        }
    }

    private async Task RegisterAsync(CancellationToken ct)
    {
        var reply = await manager.RegisterAsync(
            new RegisterRequest(
                peers.Self, options.Value.Address!, store.Incarnation, options.Value.Zone, store.Space(),
                store.LastEpoch, generation, store.HoldsFiles, store.MayLackVersions), ct);
        generation = Math.Max(generation, reply.Generation);
        WriteDown(reply.Epoch);
        peers.Update(reply.Peers);
        peers.Renew();
        peers.EnterEpoch(reply.Epoch);
        rhythm = TimeSpan.FromMilliseconds(reply.HeartbeatMs);
        registered = true;
        LogRegistered(log, peers.Self, reply.Epoch, reply.Peers.Length);
    }

    /// <summary>A full disk must not keep the node from serving: what is not written down only makes it compared once more at its next start.</summary>
    private void WriteDown(long epoch)
    {
        try
        {
            store.EnterEpoch(epoch, generation);
        }
        catch (FailureException e)
        {
            LogNotWritten(log, epoch, e.Failure.Message);
        }
    }

    private async Task RenewAsync(CancellationToken ct)
    {
        var reply = await manager.HeartbeatAsync(new HeartbeatRequest(peers.Self, store.Incarnation, peers.Epoch, store.Space(), generation, store.DamagedRecords), ct);
        generation = Math.Max(generation, reply.Generation);
        peers.Update(reply.Peers);
        peers.Renew();
        registered = !reply.MustRegister;
        if (!registered)
            await RegisterAsync(ct);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Registered as {Node} in epoch {Epoch}; {Count} nodes known")]
    private static partial void LogRegistered(ILogger log, NodeId node, long epoch, int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Epoch {Epoch} was not written down: {Message}")]
    private static partial void LogNotWritten(ILogger log, long epoch, string message);

    [LoggerMessage(Level = LogLevel.Error, Message = "The lease could not be renewed")]
    private static partial void LogFailed(ILogger log, Exception e);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The manager did not renew the lease: {Code}: {Message}")]
    private static partial void LogUnanswered(ILogger log, FailureCode code, string message);
}
