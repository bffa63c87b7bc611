using System.Diagnostics;
using System.Threading.Channels;
using Backup.Protocol;
using Backup.ServiceDefaults;

namespace Backup.Storage.Scrub;

/// <summary>Versions in which a reader met damage and which are to be repaired soon.</summary>
public sealed class DamagedVersions
{
    /// <summary>Beyond so many they wait for the scrub, which finds them too: a disk that fails as a whole must not fill the memory.</summary>
    private const int WaitingMax = 1_000;

    private readonly Channel<(ClientId, long, ActivityContext)> waiting =
        Channel.CreateBounded<(ClientId, long, ActivityContext)>(new BoundedChannelOptions(WaitingMax) { FullMode = BoundedChannelFullMode.DropWrite });

    public void Add(ClientId client, long version) => waiting.Writer.TryWrite((client, version, Activity.Current?.Context ?? default));

    /// <returns>The version, and the span of the reader who met the damage.</returns>
    public ValueTask<(ClientId Client, long Version, ActivityContext Cause)> NextAsync(CancellationToken ct) => waiting.Reader.ReadAsync(ct);
}

/// <summary>Repairs at once what a reader has found damaged.</summary>
public sealed class DamageWorker(DamagedVersions damaged, VersionRepair repair, TimeProvider time, ILogger<DamageWorker> log) : Worker(time, log)
{
    protected override TimeSpan IdleInterval => TimeSpan.Zero;

    /// <summary>A step is mostly waiting.</summary>
    protected override double RestPerWork => 0;

    public override async Task<WorkerStep> StepAsync(CancellationToken cancellationToken)
    {
        var (client, version, cause) = await damaged.NextAsync(cancellationToken);
        await repair.RunAsync(client, version, readAll: true, cancellationToken, cause);
        return WorkerStep.Busy;
    }
}
