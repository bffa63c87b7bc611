using System.Diagnostics.Metrics;
using Backup.Protocol;
using Backup.Storage.Membership;
using Backup.Storage.Packs;

namespace Backup.Storage.Health;

/// <summary>Shows the node's disk and queues to whoever collects measurements, from its start to its end.</summary>
internal sealed class NodeGauges(PackStore store, Peers peers) : IHostedService, IDisposable
{
    private readonly Meter meter = new(Telemetry.Name);

    public Task StartAsync(CancellationToken cancellationToken)
    {
        Measures.ObserveNode(meter, peers.Self, store.Space, () => store.Waiting);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => meter.Dispose();
}
