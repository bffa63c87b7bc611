using Backup.Manager;
using Backup.Manager.Collection;
using Backup.Manager.Redis;
using Backup.Protocol;
using static Backup.Tests.Manager.ManagersOnRedis;

namespace Backup.Tests.Manager;

/// <summary>What retention dropped may come back, so repair sees to its copies. Copying itself needs nodes: see the cluster's tests and the simulation.</summary>
public abstract class DroppedCopiesTests(RedisFixture fixture)
{
    [SkippableFact]
    public async Task A_dropped_version_that_moved_comes_back_where_it_is_now()
    {
        await using var cluster = await DroppedAsync();
        var (id, x) = await LineAsync(cluster, "x");
        var token = await TakeDutyAsync(cluster);
        Assert.Equal("1", await MoveAsync(cluster, token, id, ("x", x, Moved(x, "n2,n3"))));
        await cluster.AssertLoadsExactAsync();
        Assert.Equal("", await MoveAsync(cluster, token, id, ("x", x, Moved(x, "n1,n3")), ("gone", x, x)));

        Assert.Equal(1, (await cluster.First.UndoRetentionAsync(cluster.Client, default)).Versions);
        var versions = (await cluster.First.VersionsAsync(cluster.Client, new VersionsRequest(Path("x")), default)).Versions;
        Assert.Equal(["n2,n3", "n1,n2"], versions.Select(version => string.Join(',', version.Nodes.Order())));
        await cluster.AssertLoadsExactAsync();
        Assert.Equal("", await MoveAsync(cluster, token, id, ("x", Moved(x, "n2,n3"), x)));
        Assert.False(await cluster.Database.KeyExistsAsync(Keys.Dropped(cluster.Client, id)));
    }

    [SkippableFact]
    public async Task What_goes_for_good_stays_where_it_is_and_so_it_does_for_one_who_lost_the_duty()
    {
        await using var cluster = await DroppedAsync();
        Assert.Equal(2, (await cluster.First.WhatIfAsync(new WhatIfRequest(Node("n1")), default)).VersionsUnderCopied);
        var (id, x) = await LineAsync(cluster, "x");
        var stale = await TakeDutyAsync(cluster);
        cluster.Time.Advance(Leases.Duty);
        var token = await TakeDutyAsync(cluster, 1);
        Assert.Equal("fenced", await MoveAsync(cluster, stale, id, ("x", x, Moved(x, "n1"))));
        cluster.Time.Advance(TimeSpan.FromDays(7));
        // The nodes do not answer, so that it is tried again later.
        while (await cluster.Get<Forgetter>().StepAsync(default) == Backup.ServiceDefaults.WorkerStep.Busy)
        {
        }
        Assert.Equal("", await MoveAsync(cluster, token, id, ("x", x, Moved(x, "n1"))));
        Assert.Equal(x, (await LineAsync(cluster, "x", id)).Line);
    }

    [SkippableFact]
    public async Task A_node_is_not_drained_while_what_was_dropped_lies_on_it()
    {
        await using var cluster = await DroppedAsync();
        await cluster.Database.KeyDeleteAsync(Keys.Reconcile);
        // Only what was dropped still lies on it.
        await cluster.Database.StringSetAsync(Keys.File(cluster.Client, Path("x")), (await cluster.Database.StringGetAsync(Keys.File(cluster.Client, Path("x")))).ToString().Replace(",n1,n2,", ",n2,n3,"));
        await cluster.Database.SortedSetAddAsync(Keys.Loads, [new("n1", 0), new("n2", 1), new("n3", 1)]);
        await cluster.First.DrainAsync(new DrainRequest(Node("n1"), true), default);
        await PassAsync(cluster);
        // Nobody answers: nothing is copied.
        Assert.Equal(1, (await cluster.First.RepairStatusAsync(default)).VersionsLeft);
        Assert.False(await IsDrainedAsync(cluster));

        var (id, x) = await LineAsync(cluster, "x");
        var token = (long)await cluster.Database.HashGetAsync(Keys.Duty(RepairWorker.Duty), "token");
        Assert.Equal("1", await MoveAsync(cluster, token, id, ("x", x, Moved(x, "n2,n3"))));
        await cluster.First.RepairAsync(default);
        await PassAsync(cluster);
        Assert.Equal(0, (await cluster.First.RepairStatusAsync(default)).VersionsLeft);
        Assert.True(await IsDrainedAsync(cluster));
    }

    [SkippableFact]
    public async Task What_a_pass_may_have_missed_is_seen_to_by_the_next_one()
    {
        await using var cluster = await DroppedAsync();
        await cluster.Database.KeyDeleteAsync(Keys.Reconcile);
        // An undo while nothing runs asks for nothing, one in the middle of a pass does, and the pass then heals nothing.
        await cluster.First.UndoRetentionAsync(cluster.Client, default);
        Assert.False(await cluster.Database.HashExistsAsync(Keys.Repair, RepairPass.AskedField));
        await RetainAsync(cluster);
        await cluster.First.RepairAsync(default);
        await cluster.Get<RepairWorker>().StepAsync(default);
        Assert.True((await cluster.First.RepairStatusAsync(default)).Running);
        await cluster.First.UndoRetentionAsync(cluster.Client, default);
        Assert.True(await cluster.Database.HashExistsAsync(Keys.Repair, RepairPass.AskedField));
        await cluster.Database.HashSetAsync(Keys.Healed, "n1", "before");
        await EndPassAsync(cluster);
        Assert.Equal("before", await cluster.Database.HashGetAsync(Keys.Healed, "n1"));
        await PassAsync(cluster);
        Assert.False(await cluster.Database.HashExistsAsync(Keys.Healed, "n1"));

        // A node is emptied, and then something is dropped that lies on it: it is not said to be healed any more.
        await cluster.First.DrainAsync(new DrainRequest(Node("n1"), true), default);
        await cluster.Database.HashSetAsync(Keys.Healed, "n1", "draining");
        await RetainAsync(cluster);
        Assert.False(await cluster.Database.HashExistsAsync(Keys.Healed, "n1"));
        Assert.True(await cluster.Database.HashExistsAsync(Keys.Repair, RepairPass.AskedField));
    }

    /// <summary>Two versions of x, of which the first was dropped.</summary>
    private async Task<ManagersOnRedis> DroppedAsync()
    {
        var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2", "n3");
        foreach (var name in new[] { "one", "two" })
        {
            await cluster.StoreAsync("x");
            cluster.Time.Advance(TimeSpan.FromMilliseconds(500));
            await cluster.First.SnapshotAsync(cluster.Client, new SnapshotRequest(name, Automatic: true), default);
            cluster.Time.Advance(TimeSpan.FromMilliseconds(500));
        }
        await RetainAsync(cluster);
        return cluster;
    }

    private static async Task RetainAsync(ManagersOnRedis cluster) => Assert.Equal(1,
        (await cluster.First.RetainAsync(cluster.Client, new RetentionRequest(new RetentionPolicy(Last: 1), Apply: true), default)).Versions);

    private static async Task<bool> IsDrainedAsync(ManagersOnRedis cluster) => (await cluster.Get<ClusterView>().ReadAsync(default)).Nodes.Single(node => node.Id == Node("n1")).IsDrained;

    /// <returns>The id under which the only version of this path lies aside, and its line.</returns>
    private static async Task<(string Id, string Line)> LineAsync(ManagersOnRedis cluster, string path, string? id = null)
    {
        foreach (var each in id is null ? (await cluster.Database.SetMembersAsync(Keys.Undoable(cluster.Client))).Select(member => (string)member!) : [id])
        {
            if ((string?)await cluster.Database.HashGetAsync(Keys.Dropped(cluster.Client, each), path) is { } lines)
                return (each, lines.TrimEnd('\n'));
        }
        throw new InvalidOperationException($"Nothing of {path} was dropped.");
    }

    private static string Moved(string line, string nodes)
    {
        var fields = line.Split(' ');
        fields[8] = $",{nodes},";
        return string.Join(' ', fields);
    }

    private static async Task<string> MoveAsync(ManagersOnRedis cluster, long token, string id, params (string Path, string Old, string New)[] changes)
    {
        var call = new ScriptCall(Script.MoveDropped).Key(Keys.Duty(RepairWorker.Duty), Keys.Undoable(cluster.Client), Keys.Dropped(cluster.Client, id)).Arg(token).Arg(id);
        foreach (var (path, old, now) in changes)
            call.Arg(path).Arg(old).Arg(now);
        var reply = await cluster.Get<Metadata>().RunAsync(call, default);
        return reply[0].Text == "fenced" ? "fenced" : string.Join(',', reply[1].Texts);
    }

    private static async Task<long> TakeDutyAsync(ManagersOnRedis cluster, int manager = 0) =>
        (await new DutyLease(cluster.Get<Metadata>(manager), cluster.Time, RepairWorker.Duty).TakeAsync(default))!.Value;

    private static async Task PassAsync(ManagersOnRedis cluster)
    {
        await cluster.Get<RepairWorker>().StepAsync(default);
        await EndPassAsync(cluster);
    }

    private static async Task EndPassAsync(ManagersOnRedis cluster)
    {
        for (var steps = 0; (await cluster.First.RepairStatusAsync(default)).Running; steps++)
        {
            Assert.InRange(steps, 0, 100);
            await cluster.Get<RepairWorker>().StepAsync(default);
        }
    }
}

[Collection(OnGarnet.Name)]
public sealed class DroppedCopiesOnGarnet(GarnetFixture fixture) : DroppedCopiesTests(fixture);

[Collection(OnDebian.Name)]
public sealed class DroppedCopiesOnDebian(DebianFixture fixture) : DroppedCopiesTests(fixture);
