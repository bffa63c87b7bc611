using Backup.Manager;
using Backup.Protocol;
using static Backup.Tests.Manager.ManagersOnRedis;

namespace Backup.Tests.Manager;

/// <summary>③ Places: the order, what is reserved, and that loads are exact whatever happens.</summary>
public abstract class PlacementTests(RedisFixture fixture)
{
    [SkippableFact]
    public async Task The_nodes_with_the_fewest_files_take_the_next_one()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2", "n3", "n4");
        Assert.Equal(["n1", "n2"], NodesOf(await cluster.PlaceAsync("a", ["one"])));
        Assert.Equal(["n3", "n4"], NodesOf(await cluster.PlaceAsync("b", ["two"])));
        Assert.Equal(["n1", "n2"], NodesOf(await cluster.PlaceAsync("c", ["three"])));
        Assert.Equal([2, 2, 1, 1], (await cluster.LoadsAsync()).OrderBy(pair => pair.Key).Select(pair => pair.Value));
        await cluster.AssertLoadsExactAsync();
    }

    [SkippableFact]
    public async Task Ties_go_to_the_most_free_bytes_and_then_to_the_first_id()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterAsync("a", 10 * Gigabyte);
        await cluster.RegisterAsync("b", 30 * Gigabyte);
        await cluster.RegisterAsync("c", 30 * Gigabyte);
        await cluster.RegisterAsync("d-1", 5 * Gigabyte);
        Assert.Equal(["b", "c"], NodesOf(await cluster.PlaceAsync("x", ["one"])));
        Assert.Equal(["a", "d-1"], NodesOf(await cluster.PlaceAsync("y", ["two"])));
    }

    [SkippableFact]
    public async Task Files_that_share_their_nodes_share_a_placement()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2", "n3", "n4");
        var placed = await cluster.PlaceAsync("a", [.. Enumerable.Range(0, 1000).Select(Name)]);
        Assert.Equal(2, placed.Placements.Length);
        Assert.Equal(Enumerable.Range(1, 1000).Select(version => (long)version), placed.Files.Select(file => file.Version));
        Assert.All((await cluster.LoadsAsync()).Values, load => Assert.Equal(500, load));
        Assert.Equal(2, placed.Copies);
        Assert.Equal(Address("n1"), placed.Placements[0].Nodes[0].Address);
        Assert.Equal(cluster.Time.NowMs + (long)Leases.Reservation.TotalMilliseconds, placed.ExpiresMs);
    }

    [SkippableFact]
    public async Task A_repeated_operation_gets_the_same_answer()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2", "n3");
        string[] paths = ["x", "y", "z"];
        var first = await cluster.PlaceAsync("a", paths);
        var loads = await cluster.LoadsAsync();
        cluster.Time.Advance(TimeSpan.FromSeconds(1));
        var again = await cluster.PlaceAsync("a", paths);
        Assert.Equal(first.Files, again.Files);
        Assert.Equal(first.Placements.Select(p => string.Join(',', p.Nodes.Select(n => n.Id))), again.Placements.Select(p => string.Join(',', p.Nodes.Select(n => n.Id))));
        Assert.Equal(loads, await cluster.LoadsAsync());
        Assert.Equal(3, (await cluster.First.ClusterAsync(default)).Reserved);
    }

    [SkippableFact]
    public async Task A_hundred_concurrent_writers_on_two_managers_leave_exact_loads()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2", "n3", "n4", "n5");
        ClientId[] clients = [.. Enumerable.Range(0, 5).Select(_ => ClientId.New())];
        await Parallel.ForAsync(0, 100, new ParallelOptions { MaxDegreeOfParallelism = 100 }, async (i, ct) =>
        {
            var (manager, other) = i % 2 == 0 ? (cluster.First, cluster.Second) : (cluster.Second, cluster.First);
            string[] paths = [$"own-{i}", $"shared-{i % 7}", $"shared-{i % 3}b"];
            var placed = await manager.PlaceAsync(clients[i % 5], new PlaceRequest($"op-{i}",
                [.. paths.Select(path => new PlaceFile(Path(path), VersionKind.File, 10))]), ct);
            if (i % 10 != 9)
                await CommitAsync(other, clients[i % 5], placed, paths);
        });
        await cluster.AssertLoadsExactAsync();
        Assert.Equal(30, (await cluster.First.ClusterAsync(default)).Reserved);

        cluster.Time.Advance(Leases.Reservation + TimeSpan.FromSeconds(1));
        await cluster.Get<ReservationExpiry>().StepAsync(default);
        Assert.Equal(0, (await cluster.First.ClusterAsync(default)).Reserved);
        await cluster.AssertLoadsExactAsync();
    }

    [SkippableFact]
    public async Task A_hundred_concurrent_uploads_fill_all_nodes_alike()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2", "n3", "n4", "n5", "n6", "n7");
        await Parallel.ForAsync(0, 100, new ParallelOptions { MaxDegreeOfParallelism = 100 }, async (i, ct) =>
        {
            var manager = i % 2 == 0 ? cluster.First : cluster.Second;
            string[] paths = [$"{i}/a", $"{i}/b", $"{i}/c"];
            var placed = await manager.PlaceAsync(ClientId.New(), new PlaceRequest("op",
                [.. paths.Select(path => new PlaceFile(Path(path), VersionKind.File, 10))]), ct);
            Assert.Equal([1, 2, 3], placed.Files.Select(file => file.Version));
        });
        // 600 copies on seven nodes: as if every file had been placed after the other.
        Assert.Equal([85, 85, 86, 86, 86, 86, 86], (await cluster.LoadsAsync()).Values.Order());
        await cluster.AssertLoadsExactAsync();
    }

    [SkippableFact]
    public async Task A_place_that_is_never_committed_gives_its_count_back()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        await cluster.PlaceAsync("a", ["x"]);
        cluster.Time.Advance(Leases.Reservation - TimeSpan.FromSeconds(1));
        await cluster.RegisterManyAsync("n1", "n2");
        await cluster.PlaceAsync("b", ["y"]);
        Assert.Equal(2, (await cluster.LoadsAsync())["n1"]);

        // A place gives back by itself what has expired before it.
        cluster.Time.Advance(TimeSpan.FromSeconds(2));
        await cluster.PlaceAsync("c", ["z"]);
        Assert.Equal(2, (await cluster.LoadsAsync())["n1"]);
        await cluster.AssertLoadsExactAsync();
    }

    [SkippableFact]
    public async Task One_manager_at_a_time_expires_and_an_earlier_one_is_fenced()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        var (first, second) = (new DutyLease(cluster.Get<Backup.Manager.Redis.Metadata>(), cluster.Time, Reservations.Duty),
            new DutyLease(cluster.Get<Backup.Manager.Redis.Metadata>(1), cluster.Time, Reservations.Duty));
        var token = await first.TakeAsync(default);
        Assert.Equal(token, await first.TakeAsync(default));
        Assert.Null(await second.TakeAsync(default));
        await cluster.PlaceAsync("a", ["x"]);
        cluster.Time.Advance(Leases.Reservation);
        var later = await second.TakeAsync(default);
        Assert.True(later > token);

        var member = Assert.Single(await cluster.Get<Reservations>().ExpiredAsync(10, default));
        Assert.False(await cluster.Get<Reservations>().ExpireAsync(member, token, default));
        Assert.Equal(1, (await cluster.LoadsAsync())["n1"]);
        Assert.True(await cluster.Get<Reservations>().ExpireAsync(member, later, default));
        Assert.Equal(0, (await cluster.LoadsAsync())["n1"]);
    }

    [SkippableFact]
    public async Task A_failed_node_is_avoided_and_the_version_stays()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2", "n3");
        var first = await cluster.PlaceAsync("a", ["x", "y"]);
        Assert.Equal(["n1", "n2"], NodesOf(first));
        var again = await cluster.PlaceAsync("a", ["x", "y"], avoid: ["n2"]);
        Assert.Equal(["n1", "n3"], NodesOf(again).Order());
        Assert.Equal(first.Files.Select(file => (file.Version, file.TimeMs)), again.Files.Select(file => (file.Version, file.TimeMs)));
        Assert.Equal(0, (await cluster.LoadsAsync())["n2"]);
        await cluster.AssertLoadsExactAsync();
        Assert.Equal(["n1", "n3"], (await cluster.CommitAsync(again, "x", "y")).Receipts[0].Nodes.Select(node => node.Value).Order());
    }

    [SkippableFact]
    public async Task The_copy_that_survives_stays_and_zones_stay_apart()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterAsync("a1", zone: "a");
        await cluster.RegisterAsync("a2", zone: "a");
        await cluster.RegisterAsync("b1", zone: "b");
        await cluster.RegisterAsync("b2", zone: "b");
        Assert.Equal(["a1", "b1"], NodesOf(await cluster.PlaceAsync("a", ["x"])));
        Assert.Equal(["b1", "a2"], NodesOf(await cluster.PlaceAsync("a", ["x"], avoid: ["a1"])));
        Assert.Equal(["a2", "b2"], NodesOf(await cluster.PlaceAsync("a", ["x"], avoid: ["b1"])));
        await cluster.AssertLoadsExactAsync();
    }

    [SkippableFact]
    public async Task Files_that_travel_together_are_placed_anew_together()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2", "n3", "n4", "n5");
        string[] paths = [.. Enumerable.Range(0, 50).Select(Name)];
        PlaceRequest Request(params string[] avoid) => new("a",
            [.. paths.Select(path => new PlaceFile(Path(path), VersionKind.File, 1))], [.. avoid.Select(Node)], Together: true);
        Assert.Single((await cluster.First.PlaceAsync(cluster.Client, Request(), default)).Placements);
        var placed = await cluster.First.PlaceAsync(cluster.Client, Request("n1"), default);
        Assert.Equal("n2", Assert.Single(placed.Placements).Nodes[0].Id.Value);
        Assert.Equal([0, 50], (await cluster.LoadsAsync()).Where(pair => pair.Key is "n1" or "n2").Select(pair => pair.Value).Order());
        await cluster.AssertLoadsExactAsync();
    }

    [SkippableFact]
    public async Task A_refused_placement_changes_nothing()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        await cluster.PlaceAsync("a", ["x"]);
        var failure = await FailsAsync(FailureCode.NotEnoughNodes, () => cluster.PlaceAsync("a", ["x", "y"], avoid: ["n2"]));
        Assert.Contains("2 alive", failure.Message);
        Assert.Contains("1 avoided", failure.Message);
        Assert.Equal([1, 1], (await cluster.LoadsAsync()).Values);
        await cluster.AssertLoadsExactAsync();
    }

    [SkippableFact]
    public async Task Full_draining_and_dead_nodes_take_no_files()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("dead", "drained", "full", "n1", "n2");
        await cluster.HeartbeatAsync("full", 0);
        await cluster.Get<Registry>().DrainAsync(Node("drained"), true, default);
        cluster.Time.Advance(Leases.Node - TimeSpan.FromMilliseconds(1));
        foreach (var id in new[] { "drained", "n1", "n2" })
            await cluster.HeartbeatAsync(id);
        await cluster.HeartbeatAsync("full", 0);
        cluster.Time.Advance(TimeSpan.FromMilliseconds(1));

        Assert.Equal(["n1", "n2"], NodesOf(await cluster.PlaceAsync("a", ["x"])));
        var failure = await FailsAsync(FailureCode.NotEnoughNodes, () => cluster.PlaceAsync("b", ["y"], avoid: ["n1"]));
        Assert.Contains("2 alive, 1 dead, 1 draining, 1 full", failure.Message);

        await cluster.Get<Registry>().DrainAsync(Node("drained"), false, default);
        await cluster.HeartbeatAsync("full");
        Assert.Equal(["drained", "full"], NodesOf(await cluster.PlaceAsync("c", ["z"])));
    }

    [SkippableFact]
    public async Task Large_files_pass_over_nodes_that_have_no_room()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterAsync("n1", Gigabyte);
        await cluster.RegisterAsync("n2", 20 * Gigabyte);
        await cluster.RegisterAsync("n3", 10 * Gigabyte);
        await cluster.PlaceAsync("a", ["one", "two", "three"]);
        var placed = await cluster.First.PlaceAsync(cluster.Client, new PlaceRequest("b", [
            new PlaceFile(Path("large"), VersionKind.File, 5 * Gigabyte), new PlaceFile(Path("small"), VersionKind.File, 1)]), default);
        Assert.Equal(["n2", "n3"], NodesOf(placed, 0));
        Assert.Contains("n1", NodesOf(placed, 1));
    }

    [SkippableFact]
    public async Task Copies_go_to_different_zones_where_there_are_enough()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture, ("Cluster:Copies", "3"));
        await cluster.RegisterAsync("a1", zone: "a");
        await cluster.RegisterAsync("a2", zone: "a");
        await cluster.RegisterAsync("a3", zone: "a");
        await cluster.RegisterAsync("b1", zone: "b");
        // Two zones for three copies: one of each first, then whoever is next.
        Assert.Equal(["a1", "b1", "a2"], NodesOf(await cluster.PlaceAsync("x", ["one"])));
        await cluster.RegisterAsync("c1", zone: "c");
        Assert.Equal(["a3", "c1", "b1"], NodesOf(await cluster.PlaceAsync("y", ["two"])));
        await cluster.AssertLoadsExactAsync();
    }

    [SkippableFact]
    public async Task A_new_version_goes_where_the_file_is_until_a_node_is_gone()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2", "n3", "n4");
        await cluster.StoreAsync("x");
        await cluster.PlaceAsync("b", ["x"]);
        Assert.Equal(1, (await cluster.LoadsAsync())["n1"]);
        Assert.Equal(["n1", "n2"], NodesOf(await cluster.PlaceAsync("c", ["x"])));
        Assert.Equal(["n3", "n4"], NodesOf(await cluster.PlaceAsync("d", ["x"], avoid: ["n1"])));
        await cluster.AssertLoadsExactAsync();
    }

    [SkippableFact]
    public async Task Content_that_is_stored_already_is_placed_beside_itself()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2", "n3", "n4");
        var chunk = ChunkId.Of([1]);
        var placed = await cluster.PlaceAsync("a", ["x"]);
        var file = FileOf("x", placed.Files[0], placed) with { FirstChunk = chunk, SizeBytes = Limits.HintBytesMin };
        await cluster.First.CommitAsync(cluster.Client, new CommitRequest("a", [file]), default);
        PlaceRequest Request(string operation, string path) => new(operation, [new PlaceFile(Path(path), VersionKind.File, Limits.HintBytesMin, chunk)]);
        Assert.Equal(["n1", "n2"], NodesOf(await cluster.First.PlaceAsync(cluster.Client, Request("b", "copy"), default)));
        Assert.Equal(2, (await cluster.LoadsAsync())["n1"]);
        await cluster.AssertLoadsExactAsync();
        // Another client's content says nothing.
        Assert.Equal(["n3", "n4"], NodesOf(await cluster.First.PlaceAsync(ClientId.New(), Request("b", "copy"), default)));
    }

    [SkippableFact]
    public async Task A_node_that_started_again_gets_the_same_place_in_a_new_epoch()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2", "n3");
        var first = await cluster.PlaceAsync("a", ["x"]);
        var epoch = (await cluster.RegisterAsync("n1")).Epoch;
        var again = await cluster.PlaceAsync("a", ["x"]);
        Assert.Equal(NodesOf(first), NodesOf(again));
        Assert.True(first.Placements[0].Epoch < epoch);
        Assert.Equal(epoch, again.Placements[0].Epoch);
    }

    [SkippableFact]
    public async Task Where_debt_is_accepted_fewer_copies_are_shown_as_owed()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture, ("Cluster:OnMissingCopies", "accept-debt"));
        await FailsAsync(FailureCode.NotEnoughNodes, () => cluster.PlaceAsync("a", ["x"]));
        await cluster.RegisterAsync("n1");
        var receipt = (await cluster.StoreAsync("x")).Receipts[0];
        Assert.Equal(1, receipt.CopiesOwed);
        await cluster.RegisterAsync("n2");
        var status = await cluster.First.ClusterAsync(default);
        Assert.False(status.Healthy);
        Assert.Contains(status.Problems, problem => problem.Contains("fewer copies"));
        Assert.Equal(["n2", "n1"], NodesOf(await cluster.PlaceAsync("b", ["x"])));
        await cluster.AssertLoadsExactAsync();
    }
}

[Collection(OnGarnet.Name)]
public sealed class PlacementOnGarnet(GarnetFixture fixture) : PlacementTests(fixture);

[Collection(OnDebian.Name)]
public sealed class PlacementOnDebian(DebianFixture fixture) : PlacementTests(fixture);
