using System.Diagnostics.Metrics;
using Backup.Protocol;
using Backup.Storage.Membership;
using Backup.Storage.Packs;

namespace Backup.Storage.Health;

/// <summary>Shows the node's disk and queues to whoever collects measurements, from its start to its end.</summary>
internal sealed class NodeGauges(PackStore store, Peers peers, TimeProvider time) : IHostedService, IDisposable
{
    private readonly Meter meter = new(Telemetry.Name);

    public Task StartAsync(CancellationToken cancellationToken)
    {
        Measures.ObserveNode(meter, peers.Self, store.Space, () => store.Waiting, ScrubAge);
        return Task.CompletedTask;
    }

    private TimeSpan ScrubAge()
    {
        var packs = store.Index.Packs().Where(pack => pack.State != PackState.Removed && pack.Watermark > PackHeader.LengthBytes).ToList();
        return packs.Count == 0 ? TimeSpan.Zero : time.GetUtcNow() - DateTimeOffset.FromUnixTimeMilliseconds(packs.Min(pack => pack.VerifiedMs));
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => meter.Dispose();
}
