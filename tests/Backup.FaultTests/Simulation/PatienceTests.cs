using Backup.Protocol;

namespace Backup.FaultTests.Simulation;

/// <summary>What clients wait for, in a cluster whose time moves when somebody waits.</summary>
public class PatienceTests
{
    private static readonly TimeSpan RebuildTime = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task An_upload_waits_for_metadata_that_takes_minutes_to_be_rebuilt_and_says_so()
    {
        await using var lane = await Lane.StartAsync();
        await using var world = await World.StartAsync(1, lane, 3, null);
        var told = new List<Failure>();
        var cluster = new ClusterConnection([.. world.Nodes.Select(node => node.Address)], world.Clients[0],
            new NodeClients(world.Network.Of("client-1", () => true)), world.Clock) { Waiting = (_, why) => told.Add(why) };
        var before = await UploadAsync(world, cluster, "d0/f0");
        await lane.ClearAsync();
        // The nodes register again, and the manager hears that there was more.
        await world.PassAsync(TimeSpan.FromSeconds(14));
        var lostMs = world.Clock.NowMs;
        world.Clock.Pass = async time =>
        {
            await world.PassAsync(time);
            if (world.Clock.NowMs - lostMs > RebuildTime.TotalMilliseconds)
                await world.Manager.WorkAsync();
        };

        var after = await UploadAsync(world, cluster, "d0/f1");
        Assert.True(world.Clock.NowMs - lostMs > RebuildTime.TotalMilliseconds, "The metadata was not lost.");
        Assert.Equal(2, after.Nodes.Length);
        Assert.Contains(told, why => why.IsOfRebuild);
        var versions = await cluster.AskAsync(node => node.VersionsAsync(cluster.Client, new VersionsRequest(before.Path), default), default);
        Assert.Equal(before.Version, Assert.Single(versions.Versions).Version);
        Assert.Empty(world.Violations);
    }

    private static async Task<Receipt> UploadAsync(World world, ClusterConnection cluster, string path)
    {
        var change = world.Ledger.Begin(cluster.Client, RootedPath.Parse(path), VersionKind.File, 7, 5_000);
        await foreach (var result in new Uploader(cluster, new TransferCounters()).UploadAsync([change.Source()], default))
            return result.Receipt!;
        throw new InvalidOperationException("Nothing was uploaded.");
    }
}
