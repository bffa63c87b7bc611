using Backup.Protocol;
using Backup.Storage.Membership;
using Backup.Storage.Packs;
using Backup.Storage.Scrub;
using Microsoft.Extensions.Logging.Abstractions;

namespace Backup.Tests.Packs;

/// <summary>A scrub step by step, with the manager away.</summary>
internal static class Scrubbing
{
    /// <summary>More than any of these tests' stores needs: each step reads a slice, looks at some versions or chooses a pack.</summary>
    private const int Steps = 60;

    public static readonly Uri Nobody = new("http://127.0.0.1:1/");

    public static IManager NoManager { get; } = Clients.Create<IManager>(Nobody, "manager", FailureCode.ManagerUnreachable);

    /// <summary>Repairs from these nodes.</summary>
    public static VersionRepair From(PackStore store, params NodeRef[] nodes)
    {
        var peers = new Peers(StoreFolder.Node, NoManager, network: Access.TestAccess.NetworkOf(StoreFolder.Node.Value));
        peers.Update([new NodeRef(StoreFolder.Node, Nobody), .. nodes]);
        return new VersionRepair(store, peers, NoManager, NullLogger<VersionRepair>.Instance);
    }

    /// <summary>No other node is there to repair from.</summary>
    public static VersionRepair Alone(PackStore store) => From(store);

    /// <summary>Takes as many steps as reading everything once needs.</summary>
    public static async Task RunAsync(PackStore store, VersionRepair repair, long nowMs)
    {
        using var worker = new ScrubWorker(store, repair, TimeSpan.FromSeconds(1), new Standing(nowMs), NullLogger<ScrubWorker>.Instance);
        for (var step = 0; step < Steps; step++)
            await worker.StepAsync(default);
    }

    private sealed class Standing(long nowMs) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeMilliseconds(nowMs);
    }
}
