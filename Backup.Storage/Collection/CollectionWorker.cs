using Backup.Protocol;
using Backup.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Backup.Storage.Collection;

/// <summary>Collects in the background: one client's sweep or one pack's compaction at a time, round after round.</summary>
public sealed class CollectionWorker(Collector collector, IOptions<NodeOptions> options, TimeProvider time, ILogger<CollectionWorker> log) : Worker(time, log)
{
    private readonly Queue<ClientId> clients = new();
    private readonly HashSet<int> tried = [];
    private bool isInRound;

    protected override TimeSpan IdleInterval => options.Value.CollectInterval;

    public override async Task<WorkerStep> StepAsync(CancellationToken cancellationToken)
    {
        if (!isInRound)
        {
            isInRound = true;
            tried.Clear();
            foreach (var client in collector.Clients)
                clients.Enqueue(client);
        }
        if (clients.TryDequeue(out var next))
        {
            await collector.SweepAsync(next, cancellationToken);
            return WorkerStep.Busy;
        }
        isInRound = await collector.CompactNextAsync(tried, cancellationToken);
        return isInRound ? WorkerStep.Busy : WorkerStep.Idle;
    }
}
