using Backup.Manager;
using Backup.Protocol;
using static Backup.Tests.Manager.ManagersOnRedis;

namespace Backup.Tests.Manager;

/// <summary>⑥ Commits: all or none, once, in the order of versions, and only what was reserved.</summary>
public abstract class CommitTests(RedisFixture fixture)
{
    [SkippableFact]
    public async Task A_committed_version_is_what_was_asked_for()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        var path = "bücher/a\nb \"c\" 🙂";
        var placed = await cluster.PlaceAsync("a", [path]);
        var file = FileOf(path, placed.Files[0], placed) with { MtimeNs = long.MinValue, SizeBytes = Limits.FileBytesMax, Kind = VersionKind.Symlink, TraceId = null };
        var receipt = (await cluster.First.CommitAsync(cluster.Client, new CommitRequest("a", [file]), default)).Receipts[0];
        var looked = (await cluster.Second.LookupAsync(cluster.Client, new LookupRequest([file.Path]), default));
        var version = looked.Files[0]!;
        Assert.Equal((file.Path, file.Version, file.Kind, file.SizeBytes, file.Digest, file.MtimeNs, file.Mode, 0),
            (version.Path, version.Version, version.Kind, version.SizeBytes, version.Digest, version.MtimeNs, version.Mode, version.CopiesOwed));
        Assert.Equal(file.Nodes, version.Nodes);
        Assert.Equal(placed.Placements[0].Epoch, version.Epoch);
        Assert.Equal((receipt.Path, receipt.Version, receipt.TimeMs, receipt.Digest), (version.Path, version.Version, version.TimeMs, version.Digest));
        Assert.Equal([Address("n1"), Address("n2")], looked.Nodes.Select(node => node.Address));
    }

    [SkippableFact]
    public async Task Repeating_a_commit_changes_nothing_and_gives_the_same_receipts()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2", "n3");
        var placed = await cluster.PlaceAsync("a", ["x", "y"]);
        var first = await cluster.CommitAsync(placed, "x", "y");
        var listed = await ListAsync(cluster);
        cluster.Time.Advance(TimeSpan.FromHours(1));
        var again = await cluster.CommitAsync(placed, "x", "y");
        Assert.Equal(first.Receipts.Select(Describe), again.Receipts.Select(Describe));
        Assert.Equal(listed.Sequence, (await ListAsync(cluster)).Sequence);
        Assert.Single((await cluster.First.VersionsAsync(cluster.Client, new VersionsRequest(Path("x")), default)).Versions);
        await cluster.AssertLoadsExactAsync();
    }

    [SkippableFact]
    public async Task A_commit_may_take_a_part_of_what_was_placed()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        var placed = await cluster.PlaceAsync("a", ["x", "y"]);
        await cluster.CommitAsync(placed, "x");
        Assert.Equal(1, (await cluster.First.ClusterAsync(default)).Reserved);
        await cluster.AssertLoadsExactAsync();
        await cluster.CommitAsync(placed, "x", "y");
        Assert.Equal(0, (await cluster.First.ClusterAsync(default)).Reserved);
        Assert.Equal(2, (await ListAsync(cluster)).Files.Length);
    }

    [SkippableFact]
    public async Task All_are_committed_or_none()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        var placed = await cluster.PlaceAsync("a", ["x", "y"]);
        var good = FileOf("x", placed.Files[0], placed);
        var bad = FileOf("z", placed.Files[1], placed);
        await FailsAsync(FailureCode.ReservationGone, () => cluster.First.CommitAsync(cluster.Client, new CommitRequest("a", [good, bad]), default));
        Assert.Empty((await ListAsync(cluster)).Files);
        Assert.Equal(2, (await cluster.First.ClusterAsync(default)).Reserved);
    }

    [SkippableFact]
    public async Task Only_the_reserved_nodes_may_have_acknowledged()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2", "n3");
        var placed = await cluster.PlaceAsync("a", ["x"]);
        var file = FileOf("x", placed.Files[0], placed);
        foreach (var nodes in new[] { new[] { "n1", "n3" }, ["n1"], ["n1", "n2", "n3"] })
        {
            await FailsAsync(FailureCode.ReservationGone, () =>
                cluster.First.CommitAsync(cluster.Client, new CommitRequest("a", [file with { Nodes = [.. nodes.Select(Node)] }]), default));
        }
        // Which of them took it first is theirs to say.
        var receipt = (await cluster.First.CommitAsync(cluster.Client, new CommitRequest("a", [file with { Nodes = [Node("n2"), Node("n1")] }]), default)).Receipts[0];
        Assert.Equal([Node("n2"), Node("n1")], receipt.Nodes);
    }

    [SkippableFact]
    public async Task What_was_not_reserved_or_by_another_is_refused()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        var placed = await cluster.PlaceAsync("a", ["x"]);
        await FailsAsync(FailureCode.ReservationGone, () => CommitAsync(cluster.First, ClientId.New(), placed, ["x"]));
        await FailsAsync(FailureCode.ReservationGone, () => CommitAsync(cluster.First, cluster.Client, placed with { Operation = "b" }, ["x"]));
        await FailsAsync(FailureCode.ReservationGone, () => CommitAsync(cluster.First, cluster.Client,
            placed with { Files = [placed.Files[0] with { Version = 7 }] }, ["x"]));
        await cluster.CommitAsync(placed, "x");
        var other = FileOf("x", placed.Files[0], placed) with { Digest = ChunkId.Of([9]) };
        await FailsAsync(FailureCode.AlreadyExists, () => cluster.First.CommitAsync(cluster.Client, new CommitRequest("a", [other]), default));
    }

    [SkippableFact]
    public async Task An_expired_reservation_is_gone()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        var placed = await cluster.PlaceAsync("a", ["x"]);
        cluster.Time.Advance(Leases.Reservation);
        await cluster.Get<ReservationExpiry>().StepAsync(default);
        await FailsAsync(FailureCode.ReservationGone, () => cluster.CommitAsync(placed, "x"));
        await cluster.AssertLoadsExactAsync();
    }

    [SkippableFact]
    public async Task Versions_committed_out_of_order_stand_in_order()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2", "n3", "n4");
        var placed = new List<PlaceReply>();
        for (var i = 0; i < 5; i++)
        {
            placed.Add(await cluster.PlaceAsync($"op{i}", ["x"]));
            // The clock may go back; the times of versions do not.
            cluster.Time.Advance(TimeSpan.FromSeconds(i == 2 ? -10 : 1));
        }
        foreach (var i in new[] { 3, 0, 4, 2, 1 })
            await cluster.CommitAsync(placed[i], "x");
        var versions = (await cluster.First.VersionsAsync(cluster.Client, new VersionsRequest(Path("x")), default)).Versions;
        Assert.Equal([1, 2, 3, 4, 5], versions.Select(version => version.Version));
        Assert.Equal(versions.Select(version => version.TimeMs).Order(), versions.Select(version => version.TimeMs));
        Assert.Equal(5, (await cluster.First.LookupAsync(cluster.Client, new LookupRequest([Path("x")]), default)).Files[0]!.Version);
        await cluster.AssertLoadsExactAsync();
    }

    [SkippableFact]
    public async Task Many_writers_of_one_name_have_one_order()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2", "n3");
        await Parallel.ForAsync(0, 200, new ParallelOptions { MaxDegreeOfParallelism = 20 }, async (i, ct) =>
        {
            var manager = i % 2 == 0 ? cluster.First : cluster.Second;
            var placed = await manager.PlaceAsync(cluster.Client, new PlaceRequest($"op{i}", [new PlaceFile(Path("x"), VersionKind.File, 1)]), ct);
            await CommitAsync(manager, cluster.Client, placed, ["x"]);
        });
        var versions = (await cluster.First.VersionsAsync(cluster.Client, new VersionsRequest(Path("x")), default)).Versions;
        Assert.Equal(Enumerable.Range(1, 200).Select(version => (long)version), versions.Select(version => version.Version));
        await cluster.AssertLoadsExactAsync();
    }

    [SkippableFact]
    public async Task A_node_that_lost_its_disk_after_it_acknowledged_does_not_count()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2", "n3");
        var placed = await cluster.PlaceAsync("a", ["x"]);
        cluster.Time.Advance(Leases.Node);
        await cluster.RegisterAsync("n2", incarnation: Guid.NewGuid());
        var failure = await FailsAsync(FailureCode.StaleEpoch, () => cluster.CommitAsync(placed, "x"));
        Assert.Equal("n2", failure.Culprit);
        // Started again with its data, it does count.
        await cluster.RegisterManyAsync("n1", "n3");
        var again = await cluster.PlaceAsync("a", ["x"]);
        await cluster.RegisterAsync("n2");
        await cluster.CommitAsync(again, "x");
    }

    [SkippableFact]
    public async Task A_deletion_needs_a_file()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        await FailsAsync(FailureCode.NotFound, () => cluster.DeleteAsync("x"));
        await cluster.StoreAsync("x");
        var one = await cluster.PlaceAsync("a", ["x"], kind: VersionKind.Tombstone);
        var other = await cluster.PlaceAsync("b", ["x"], kind: VersionKind.Tombstone);
        await CommitAsync(cluster.First, cluster.Client, one, ["x"], VersionKind.Tombstone);
        await FailsAsync(FailureCode.NotFound, () => CommitAsync(cluster.First, cluster.Client, other, ["x"], VersionKind.Tombstone));
        Assert.Empty((await ListAsync(cluster)).Files);
        await cluster.StoreAsync("x");
        Assert.Single((await ListAsync(cluster)).Files);
        await cluster.AssertLoadsExactAsync();
    }

    private static Task<ListReply> ListAsync(ManagersOnRedis cluster) =>
        cluster.First.ListAsync(cluster.Client, new ListRequest("", null, 1000), default);

    private static string Describe(Receipt r) =>
        $"{r.Path} {r.Version} {r.Kind} {r.TimeMs} {r.SizeBytes} {r.Digest} {string.Join(',', r.Nodes)} {r.CopiesOwed} {r.TraceId}";
}

[Collection(OnGarnet.Name)]
public sealed class CommitOnGarnet(GarnetFixture fixture) : CommitTests(fixture);

[Collection(OnDebian.Name)]
public sealed class CommitOnDebian(DebianFixture fixture) : CommitTests(fixture);
