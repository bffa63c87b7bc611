using System.Threading.Channels;
using Backup.Protocol;
using Backup.ServiceDefaults;

namespace Backup.Storage.Scrub;

/// <summary>Versions in which a reader met damage and which are to be repaired soon.</summary>
public sealed class DamagedVersions
{
    /// <summary>Beyond so many they wait for the scrub, which finds them too: a disk that fails as a whole must not fill the memory.</summary>
    private const int WaitingMax = 1_000;

    private readonly Channel<(ClientId, long)> waiting =
        Channel.CreateBounded<(ClientId, long)>(new BoundedChannelOptions(WaitingMax) { FullMode = BoundedChannelFullMode.DropWrite });

    public void Add(ClientId client, long version) => waiting.Writer.TryWrite((client, version));

    public ValueTask<(ClientId Client, long Version)> NextAsync(CancellationToken ct) => waiting.Reader.ReadAsync(ct);
}

/// <summary>Repairs at once what a reader has found damaged.</summary>
public sealed class DamageWorker(DamagedVersions damaged, VersionRepair repair, TimeProvider time, ILogger<DamageWorker> log) : Worker(time, log)
{
    protected override TimeSpan IdleInterval => TimeSpan.Zero;

    /// <summary>A step is mostly waiting.</summary>
    protected override double RestPerWork => 0;

    public override async Task<WorkerStep> StepAsync(CancellationToken cancellationToken)
    {
        var (client, version) = await damaged.NextAsync(cancellationToken);
        await repair.RunAsync(client, version, readAll: true, cancellationToken);
        return WorkerStep.Busy;
    }
}
