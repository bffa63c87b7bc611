using System.Diagnostics.Metrics;
using Backup.Manager.Redis;
using Backup.Protocol;
using Backup.ServiceDefaults;

namespace Backup.Manager.Measuring;

/// <summary>
/// Shows loads, debt and queues to whoever collects measurements. They are read from Redis now and then, since a collection
/// does not wait; each manager shows the same, as they are the cluster's.
/// </summary>
public sealed class ClusterGauges : Worker
{
    private readonly Status status;
    private readonly Meter meter = new(Telemetry.Name);
    private volatile Reading last = new([], 0, 0, 0, 0);

    public ClusterGauges(Status status, Metadata metadata, TimeProvider time, ILogger<ClusterGauges> log)
        : base(time, log)
    {
        this.status = status;
        Measures.ObserveManager(meter, () => last.Loads, () => last.Owed, () => last.Left, () => last.Lost, () => last.Reserved, () => metadata.Waiting);
    }

    /// <summary>As often as the least patient collector asks; the script takes a fraction of a millisecond.</summary>
    protected override TimeSpan IdleInterval => TimeSpan.FromSeconds(5);

    protected override bool IsTraced => false;

    public override async Task<WorkerStep> StepAsync(CancellationToken cancellationToken)
    {
        var now = await status.ReadAsync(cancellationToken);
        last = new Reading([.. now.Nodes.Select(node => (node.Id.Value, node.Files))],
            now.CopiesOwed, now.Repair?.VersionsLeft ?? 0, now.Repair?.VersionsLost ?? 0, now.Reserved);
        return WorkerStep.Idle;
    }

    public override void Dispose()
    {
        meter.Dispose();
        base.Dispose();
    }

    private sealed record Reading((string Node, long Files)[] Loads, long Owed, long Left, long Lost, long Reserved);
}
