using System.Diagnostics;
using System.Text;
using Backup.Manager;
using Backup.Manager.Redis;
using Backup.Protocol;
using StackExchange.Redis;
using Xunit.Abstractions;
using static Backup.Tests.Manager.ManagersOnRedis;

namespace Backup.Tests.Manager;

/// <summary>What repair changes in Redis, what is noticed of the nodes, and that each is done once. Copying itself needs nodes: see the cluster's tests.</summary>
public abstract class RepairTests(RedisFixture fixture, ITestOutputHelper output)
{
    private static readonly (string, string) Grace = ("Cluster:RepairGrace", "00:01:00");

    [SkippableFact]
    public async Task Moved_copies_change_lines_loads_and_debts_together()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        await cluster.StoreAsync("x", "y", "z");
        await cluster.StoreAsync("x");
        await cluster.RegisterManyAsync("n3");
        var token = await TakeDutyAsync(cluster);

        var x = await LinesAsync(cluster, "x");
        var y = await LinesAsync(cluster, "y");
        Assert.Equal("1,2,3", await MoveAsync(cluster, token, ("x", x[0], Moved(x[0], "n1,n3", 0)), ("x", x[1], Moved(x[1], "n1,n3", 0)), ("y", y[0], Moved(y[0], "n1", 1))));
        await cluster.AssertLoadsExactAsync();
        Assert.Equal(new Dictionary<string, long> { ["n1"] = 3, ["n2"] = 1, ["n3"] = 1 }, await cluster.LoadsAsync());
        Assert.Equal(1, (await cluster.First.ClusterAsync(default)).CopiesOwed);

        // One version of the file stays where it was: the node still holds the file.
        x = await LinesAsync(cluster, "x");
        Assert.Equal("1", await MoveAsync(cluster, token, ("x", x[0], Moved(x[0], "n2,n3", 0))));
        await cluster.AssertLoadsExactAsync();
        y = await LinesAsync(cluster, "y");
        Assert.Equal("1", await MoveAsync(cluster, token, ("y", y[0], Moved(y[0], "n1,n2", 0))));
        await cluster.AssertLoadsExactAsync();
        Assert.Equal(0, (await cluster.First.ClusterAsync(default)).CopiesOwed);
        Assert.Equal(["n1", "n2"], (await cluster.First.LookupAsync(cluster.Client, new LookupRequest([Path("y")]), default)).Files[0]!.Nodes.Select(node => node.Value));
    }

    [SkippableFact]
    public async Task A_line_that_changed_meanwhile_stays_as_it_is()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        await cluster.StoreAsync("x", "y");
        await cluster.RegisterManyAsync("n3");
        var token = await TakeDutyAsync(cluster);
        var x = Assert.Single(await LinesAsync(cluster, "x"));
        var y = Assert.Single(await LinesAsync(cluster, "y"));
        await MoveAsync(cluster, token, ("x", x, Moved(x, "n2,n3", 0)));
        Assert.Equal("2", await MoveAsync(cluster, token, ("x", x, Moved(x, "n1,n3", 0)), ("y", y, Moved(y, "n1,n3", 0)), ("gone", y, Moved(y, "n1,n3", 0))));
        Assert.Contains(" ,n2,n3, ", Assert.Single(await LinesAsync(cluster, "x")));
        Assert.False(await cluster.Database.KeyExistsAsync(Keys.File(cluster.Client, Path("gone"))));
        await cluster.AssertLoadsExactAsync();
    }

    [SkippableFact]
    public async Task A_manager_that_lost_the_duty_changes_nothing()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        await cluster.StoreAsync("x");
        var stale = await TakeDutyAsync(cluster);
        cluster.Time.Advance(Leases.Duty);
        Assert.True(await TakeDutyAsync(cluster, 1) > stale);
        var x = Assert.Single(await LinesAsync(cluster, "x"));
        Assert.Equal("fenced", await MoveAsync(cluster, stale, ("x", x, Moved(x, "n1", 1))));
        Assert.Equal(x, Assert.Single(await LinesAsync(cluster, "x")));
        await cluster.AssertLoadsExactAsync();
    }

    [SkippableFact]
    public async Task Everything_that_becomes_of_a_node_is_said_once_by_two_managers()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture, Grace);
        await cluster.RegisterManyAsync("n1", "n2");
        Assert.Equal(["NodeJoined n1", "NodeJoined n2"], await NewEventsAsync(cluster));
        cluster.Time.Advance(Leases.Node);
        await cluster.RegisterAsync("n1");
        Assert.Equal(["NodeDied n2"], await NewEventsAsync(cluster));
        await cluster.RegisterAsync("n2");
        Assert.Equal(["NodeReturned n2"], await NewEventsAsync(cluster));
        await cluster.RegisterAsync("n2", freeBytes: 0);
        Assert.Equal(["NodeFull n2"], await NewEventsAsync(cluster));
        await cluster.RegisterAsync("n2");
        Assert.Equal(["NodeFull n2"], await NewEventsAsync(cluster));
        await cluster.First.DrainAsync(new DrainRequest(Node("n2"), true), default);
        Assert.Equal(["NodeDraining n2"], await NewEventsAsync(cluster));
        cluster.Time.Advance(Leases.Node);
        await cluster.RegisterAsync("n1");
        await cluster.RegisterAsync("n2", incarnation: Guid.NewGuid());
        Assert.Equal(["NodeLostData n2"], await NewEventsAsync(cluster));
    }

    [SkippableFact]
    public async Task A_drained_node_is_said_to_be_empty_after_a_pass()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture, Grace);
        await cluster.RegisterManyAsync("n1", "n2", "n3");
        await cluster.Database.KeyDeleteAsync(Keys.Reconcile);
        await NewEventsAsync(cluster);
        await cluster.Second.DrainAsync(new DrainRequest(Node("n2"), true), default);
        Assert.Equal(["NodeDraining n2"], await NewEventsAsync(cluster));
        await PassAsync(cluster);
        Assert.Equal(["NodeDrained n2"], await NewEventsAsync(cluster));
        Assert.Equal("Node n2 is being emptied.", Assert.Single((await cluster.First.RepairStatusAsync(default)).Reasons));
    }

    [SkippableFact]
    public async Task A_dead_node_is_waited_for_and_then_a_pass_begins()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture, Grace);
        await cluster.RegisterManyAsync("n1", "n2", "n3");
        async Task PassTimeAsync(TimeSpan time, int manager = 0)
        {
            cluster.Time.Advance(time);
            await cluster.RegisterManyAsync("n1", "n2");
            await cluster.Database.KeyDeleteAsync(Keys.Reconcile);
            await cluster.Get<Watch>(manager).StepAsync(default);
            await cluster.Get<RepairWorker>(manager).StepAsync(default);
        }
        await PassTimeAsync(Leases.Node);
        await PassTimeAsync(TimeSpan.FromSeconds(29));
        // Another manager takes over: what was before it has watched does not count.
        await PassTimeAsync(TimeSpan.FromMinutes(5), 1);
        await PassTimeAsync(TimeSpan.FromSeconds(29), 1);
        await PassTimeAsync(TimeSpan.FromSeconds(29), 1);
        Assert.Equal(0, (await cluster.First.RepairStatusAsync(default)).StartedMs);
        await PassTimeAsync(TimeSpan.FromSeconds(2), 1);
        var status = await cluster.First.RepairStatusAsync(default);
        Assert.Equal(cluster.Time.NowMs, status.StartedMs);
        Assert.Contains("n3", Assert.Single(status.Reasons));
        while ((await cluster.First.RepairStatusAsync(default)).Running)
            await cluster.Get<RepairWorker>(1).StepAsync(default);
        // It was seen to: no further pass.
        for (var minutes = 0; minutes < 10; minutes++)
        {
            await PassTimeAsync(TimeSpan.FromSeconds(29), 1);
            await PassTimeAsync(TimeSpan.FromSeconds(29), 1);
        }
        Assert.Equal(status.StartedMs, (await cluster.First.RepairStatusAsync(default)).StartedMs);
    }

    [SkippableTheory, InlineData(true), InlineData(false)]
    public async Task After_a_page_that_ended_in_the_middle_nodes_are_compared(bool isTakenOver)
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        await cluster.StoreAsync("x");
        await cluster.Database.KeyDeleteAsync(Keys.Reconcile);
        await cluster.First.RepairAsync(default);
        var worker = cluster.Get<RepairWorker>();
        if (isTakenOver)
        {
            Assert.Equal(Backup.ServiceDefaults.WorkerStep.Busy, await worker.StepAsync(default));
            cluster.Time.Advance(Leases.Duty);
            worker = cluster.Get<RepairWorker>(1);
        }
        else
        {
            // The page meets a key that is none of ours.
            await cluster.Database.StringSetAsync(Keys.Leaves(cluster.Client), "x");
            await Assert.ThrowsAsync<RedisServerException>(() => worker.StepAsync(default));
            await cluster.Database.KeyDeleteAsync(Keys.Leaves(cluster.Client));
        }
        Assert.False(await cluster.Database.KeyExistsAsync(Keys.Reconcile));
        await worker.StepAsync(default);
        Assert.Equal(["n1", "n2"], (await cluster.Database.HashKeysAsync(Keys.Reconcile)).Select(node => node.ToString()).Order());
    }

    [SkippableFact]
    public async Task An_older_data_directory_is_noticed_by_its_epoch()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        var own = Guid.NewGuid();
        RegisterRequest Request(long? last) => new(Node("n1"), Address("n1"), own, null, new NodeSpace(1, 1, 0), last);
        var first = await cluster.First.RegisterAsync(Request(0), default);
        var second = await cluster.First.RegisterAsync(Request(first.Epoch), default);
        Assert.False(await cluster.Database.KeyExistsAsync(Keys.Stale));
        await NewEventsAsync(cluster);
        var third = await cluster.Second.RegisterAsync(Request(first.Epoch), default);
        Assert.True(third.Epoch > second.Epoch);
        Assert.Equal(["NodeLostData n1"], await NewEventsAsync(cluster));
        Assert.Contains((await cluster.First.ClusterAsync(default)).Problems, problem => problem.Contains("older data directory"));
    }

    [SkippableFact]
    public async Task What_if_counts_what_would_be_missing()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        await cluster.StoreAsync("x", "y");
        await cluster.RegisterManyAsync("n3");
        await cluster.StoreAsync("z");
        var reply = await cluster.First.WhatIfAsync(new WhatIfRequest(Node("n1")), default);
        Assert.Equal((3, 3, 0, 3000, true), (reply.Files, reply.VersionsUnderCopied, reply.VersionsLost, reply.BytesToCopy, reply.CanRepair));
        cluster.Time.Advance(Leases.Node);
        await cluster.RegisterManyAsync("n1", "n3");
        reply = await cluster.First.WhatIfAsync(new WhatIfRequest(Node("n1")), default);
        Assert.Equal((3, 2, 1000, false), (reply.VersionsUnderCopied, reply.VersionsLost, reply.BytesToCopy, reply.CanRepair));
        await FailsAsync(FailureCode.NotFound, () => cluster.First.WhatIfAsync(new WhatIfRequest(Node("n9")), default));
    }

    /// <summary>With BACKUP_LONG_TESTS of 100,000 files, and says how long the slowest call took.</summary>
    [SkippableFact]
    public async Task What_if_goes_on_where_a_call_has_stopped()
    {
        var files = Environment.GetEnvironmentVariable("BACKUP_LONG_TESTS") is null ? (WhatIf.PagesPerCall * Limits.ListPageMax) + 500 : 100_000;
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        foreach (var some in Enumerable.Range(0, files).Select(Name).Chunk(Limits.FilesPerCallMax))
            await cluster.StoreAsync(some);
        var (calls, slowest) = (0, TimeSpan.Zero);
        WhatIfReply reply;
        WhatIfPlace? from = null;
        do
        {
            var started = Stopwatch.GetTimestamp();
            reply = await cluster.First.WhatIfAsync(new WhatIfRequest(Node("n1"), from), default);
            slowest = new[] { slowest, Stopwatch.GetElapsedTime(started) }.Max();
            (from, calls) = (reply.Next, calls + 1);
        }
        while (from is not null);
        output.WriteLine($"{files} files: {calls} calls, the slowest {slowest.TotalMilliseconds:N0} ms");
        Assert.True(calls > 1, "One call looked at everything.");
        Assert.Equal((files, files, 1000L * files), (reply.Files, reply.VersionsUnderCopied, reply.BytesToCopy));
    }

    private static async Task<long> TakeDutyAsync(ManagersOnRedis cluster, int manager = 0) =>
        (await new DutyLease(cluster.Get<Metadata>(manager), cluster.Time, RepairWorker.Duty).TakeAsync(default))!.Value;

    /// <summary>Steps until the pass that begins now has ended.</summary>
    private static async Task PassAsync(ManagersOnRedis cluster)
    {
        await cluster.Get<RepairWorker>().StepAsync(default);
        for (var steps = 0; (await cluster.First.RepairStatusAsync(default)).Running; steps++)
        {
            Assert.InRange(steps, 0, 100);
            await cluster.Get<RepairWorker>().StepAsync(default);
        }
    }

    private static async Task<string[]> NewEventsAsync(ManagersOnRedis cluster)
    {
        var before = (await cluster.First.EventsAsync(new EventsRequest(0, Limits.ListPageMax), default)).Events;
        for (var manager = 0; manager < 2; manager++)
        {
            cluster.Time.Advance(TimeSpan.FromMilliseconds(1));
            await cluster.Get<Watch>(manager).StepAsync(default);
        }
        // The other manager gets the duty too, and has nothing to add.
        await cluster.Database.KeyDeleteAsync(Keys.Duty(Watch.Duty));
        await cluster.Get<Watch>(1).StepAsync(default);
        await cluster.Database.KeyDeleteAsync(Keys.Duty(Watch.Duty));
        var after = (await cluster.Second.EventsAsync(new EventsRequest(before.LastOrDefault()?.Sequence ?? 0, Limits.ListPageMax), default)).Events;
        return [.. after.Select(one => $"{one.Kind} {one.Subject}")];
    }

    private static async Task<string[]> LinesAsync(ManagersOnRedis cluster, string path) =>
        Encoding.ASCII.GetString((byte[])(await cluster.Database.StringGetAsync(Keys.File(cluster.Client, Path(path))))!).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static string Moved(string line, string nodes, int owed)
    {
        var fields = line.Split(' ');
        (fields[8], fields[9]) = ($",{nodes},", $"{owed}");
        return string.Join(' ', fields);
    }

    /// <returns>Numbers of what was changed.</returns>
    private static async Task<string> MoveAsync(ManagersOnRedis cluster, long token, params (string Path, string Old, string New)[] changes)
    {
        var call = new ScriptCall(Script.MoveCopies).Key(Keys.Loads, Keys.Candidates, Keys.Debts, Keys.Duty(RepairWorker.Duty))
            .Arg(token).Arg(cluster.Client.ToString()).Arg(Keys.FilePrefix(cluster.Client).Length);
        var paths = changes.Select(change => change.Path).Distinct().ToList();
        paths.ForEach(path => call.Key(Keys.File(cluster.Client, Path(path))));
        foreach (var (path, old, now) in changes)
            call.Arg(paths.IndexOf(path) + 1).Arg(old).Arg(now);
        var reply = await cluster.Get<Metadata>().RunAsync(call, default);
        return reply[0].Text == "fenced" ? "fenced" : string.Join(',', reply[1].Texts);
    }
}

[Collection(OnGarnet.Name)]
public sealed class RepairOnGarnet(GarnetFixture fixture, ITestOutputHelper output) : RepairTests(fixture, output);

[Collection(OnDebian.Name)]
public sealed class RepairOnDebian(DebianFixture fixture, ITestOutputHelper output) : RepairTests(fixture, output);
