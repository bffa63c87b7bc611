using Backup.Protocol;
using static Backup.Tests.Manager.ManagersOnRedis;

namespace Backup.Tests.Manager;

/// <summary>A clock that is off by years, or steps: the order of versions, leases, reservations and pins do not depend on it being right.</summary>
public abstract class ClockTests(RedisFixture fixture)
{
    private static readonly TimeSpan Decade = TimeSpan.FromDays(3650);

    [SkippableFact]
    public async Task Versions_keep_their_order_when_the_clock_steps_back_by_years()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        var before = (await cluster.StoreAsync("x")).Receipts[0];
        cluster.Time.Advance(-Decade);
        await cluster.RegisterManyAsync("n1", "n2");
        var after = (await cluster.StoreAsync("x")).Receipts[0];
        Assert.True(after.Version > before.Version);
        Assert.True(after.TimeMs >= before.TimeMs, "A later version bears an earlier time.");
        var versions = (await cluster.Second.VersionsAsync(cluster.Client, new VersionsRequest(Path("x")), default)).Versions;
        Assert.Equal([before.Version, after.Version], versions.Select(version => version.Version));
        Assert.Equal(after.Version, (await cluster.First.LookupAsync(cluster.Client, new LookupRequest([Path("x")]), default)).Files[0]!.Version);
        await cluster.AssertLoadsExactAsync();
    }

    [SkippableFact]
    public async Task Nodes_are_found_again_after_the_clock_stepped_either_way()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        foreach (var step in new[] { Decade, -2 * Decade, Decade })
        {
            cluster.Time.Advance(step);
            // As nodes do: whoever is not known any more registers again.
            foreach (var node in new[] { "n1", "n2" })
            {
                if ((await cluster.HeartbeatAsync(node)).MustRegister)
                    await cluster.RegisterAsync(node);
            }
            await cluster.StoreAsync($"after {step.TotalDays}");
            Assert.DoesNotContain((await cluster.First.ClusterAsync(default)).Nodes, node => node.State == NodeState.Dead);
        }
        await cluster.AssertLoadsExactAsync();
    }

    [SkippableFact]
    public async Task A_reservation_and_a_pin_hold_when_the_clock_steps_back()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        await cluster.StoreAsync("x");
        var pinned = new SnapshotRequest("kept", PinnedUntilMs: cluster.Time.NowMs + 60_000);
        await cluster.First.SnapshotAsync(cluster.Client, pinned, default);
        var placed = await cluster.PlaceAsync("slow", ["y"]);
        cluster.Time.Advance(-Decade);
        await FailsAsync(FailureCode.Forbidden, () => cluster.First.DeleteSnapshotAsync(cluster.Client, new SnapshotDeleteRequest("kept"), default));
        await cluster.CommitAsync(placed, "y");
        await cluster.AssertLoadsExactAsync();
    }
}

[Collection(OnGarnet.Name)]
public sealed class ClockOnGarnet(GarnetFixture fixture) : ClockTests(fixture);

[Collection(OnDebian.Name)]
public sealed class ClockOnDebian(DebianFixture fixture) : ClockTests(fixture);
