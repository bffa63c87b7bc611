using System.Diagnostics.Metrics;
using System.Globalization;
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
    private readonly Metadata metadata;
    private readonly Meter meter = new(Telemetry.Name);
    private volatile Reading last = new([], 0, 0);

    public ClusterGauges(Metadata metadata, TimeProvider time, ILogger<ClusterGauges> log)
        : base(time, log)
    {
        this.metadata = metadata;
        Measures.ObserveManager(meter, () => last.Loads, () => last.Owed, () => last.Reserved, () => metadata.Waiting);
    }

    /// <summary>As often as the least patient collector asks; the script takes a fraction of a millisecond.</summary>
    protected override TimeSpan IdleInterval => TimeSpan.FromSeconds(5);

    protected override bool IsTraced => false;

    public override async Task<WorkerStep> StepAsync(CancellationToken cancellationToken)
    {
        var reply = await metadata.RunAsync(new ScriptCall(Script.StatusCluster)
            .Key(Keys.Nodes, Keys.Leases, Keys.Loads, Keys.Draining, Keys.Clients, Keys.Reserved, Keys.Debts), cancellationToken);
        last = new Reading(
            [.. reply[2].Pairs.Select(load => (load.Name, (long)double.Parse(load.Value, CultureInfo.InvariantCulture)))],
            reply[6].Number, reply[5].Number);
        return WorkerStep.Idle;
    }

    public override void Dispose()
    {
        meter.Dispose();
        base.Dispose();
    }

    private sealed record Reading((string Node, long Files)[] Loads, long Owed, long Reserved);
}
