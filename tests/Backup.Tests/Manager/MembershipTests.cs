using Backup.Manager;
using Backup.Protocol;
using static Backup.Tests.Manager.ManagersOnRedis;

namespace Backup.Tests.Manager;

/// <summary>Nodes come, renew their leases, lapse and return.</summary>
public abstract class MembershipTests(RedisFixture fixture)
{
    [SkippableFact]
    public async Task Each_start_of_a_node_is_a_new_epoch()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        var epochs = new List<long>();
        foreach (var id in new[] { "n1", "n2", "n1", "n3", "n2" })
            epochs.Add((await cluster.RegisterAsync(id)).Epoch);
        Assert.Equal(epochs.Distinct().Order(), epochs);
        Assert.Equal(epochs[^1], (await cluster.First.ClusterAsync(default)).Nodes.Single(node => node.Id == Node("n2")).Epoch);
        await cluster.RegisterManyAsync("n1");
        Assert.Equal(epochs[^1] + 1, (await PlaceOneAsync(cluster)).Placements[0].Epoch);
    }

    [SkippableFact]
    public async Task Both_answers_name_every_node()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        Assert.Equal([Node("n2")], (await cluster.RegisterAsync("n2")).Peers.Select(peer => peer.Id));
        var reply = await cluster.RegisterAsync("n1");
        Assert.Equal([Node("n1"), Node("n2")], reply.Peers.Select(peer => peer.Id));
        Assert.Equal(Leases.Heartbeat.TotalMilliseconds, reply.HeartbeatMs);
        // The other manager has never seen a registration.
        var renewed = await cluster.HeartbeatAsync("n2");
        Assert.False(renewed.MustRegister);
        Assert.Equal([new NodeRef(Node("n1"), Address("n1")), new NodeRef(Node("n2"), Address("n2"))], renewed.Peers);
        await cluster.RegisterAsync("n3");
        Assert.Equal(3, (await cluster.HeartbeatAsync("n2")).Peers.Length);
        Assert.Equal(3, (await cluster.HeartbeatAsync("n2")).Peers.Length);
    }

    [SkippableFact]
    public async Task A_second_node_of_the_same_id_is_refused_while_the_first_lives()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        var own = Guid.NewGuid();
        await cluster.RegisterAsync("n1", incarnation: own);
        var clone = new RegisterRequest(Node("n1"), new Uri("http://elsewhere:1/"), own, null, new NodeSpace(1, 1, 0));
        var failure = await FailsAsync(FailureCode.AlreadyExists, () => cluster.Second.RegisterAsync(clone, default));
        Assert.Contains("http://n1.example:7101/", failure.Message);
        Assert.Equal("n1", failure.Culprit);
        await FailsAsync(FailureCode.AlreadyExists, () => cluster.RegisterAsync("n1", incarnation: Guid.NewGuid()));
        // The same one may start again at once.
        await cluster.RegisterAsync("n1", incarnation: own);
        cluster.Time.Advance(Leases.Node);
        var epoch = (await cluster.Second.RegisterAsync(clone, default)).Epoch;
        Assert.Equal(epoch, (await cluster.First.ClusterAsync(default)).Nodes.Single().Epoch);
        Assert.True((await cluster.HeartbeatAsync("n1")).MustRegister);
    }

    [SkippableFact]
    public async Task A_lease_lapses_and_the_node_must_register_again()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        for (var i = 0; i < 5; i++)
        {
            cluster.Time.Advance(Leases.Node - TimeSpan.FromMilliseconds(1));
            Assert.False((await cluster.HeartbeatAsync("n1", 7 * Gigabyte)).MustRegister);
        }
        var status = await cluster.First.ClusterAsync(default);
        Assert.Equal([NodeState.Alive, NodeState.Dead], status.Nodes.Select(node => node.State));
        Assert.Equal(7 * Gigabyte, status.Nodes[0].Space.FreeBytes);
        Assert.Equal(cluster.Time.NowMs, status.Nodes[0].LastSeenMs);
        Assert.False(status.Healthy);
        Assert.Contains(status.Problems, problem => problem.Contains("n2") && problem.Contains("dead"));
        Assert.Contains(status.Problems, problem => problem.Contains("Only 1 nodes take files"));

        Assert.True((await cluster.HeartbeatAsync("n2")).MustRegister);
        await cluster.RegisterAsync("n2");
        Assert.False((await cluster.HeartbeatAsync("n2")).MustRegister);
        Assert.True((await cluster.First.ClusterAsync(default)).Healthy);
    }

    [SkippableFact]
    public async Task Unknown_nodes_and_old_epochs_must_register()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        var own = Guid.NewGuid();
        var first = await cluster.RegisterAsync("n1", incarnation: own);
        await cluster.RegisterAsync("n1", incarnation: own);
        var space = new NodeSpace(1, 1, 0);
        Assert.True((await cluster.First.HeartbeatAsync(new HeartbeatRequest(Node("n9"), own, 1, space), default)).MustRegister);
        Assert.True((await cluster.First.HeartbeatAsync(new HeartbeatRequest(Node("n1"), own, first.Epoch, space), default)).MustRegister);
        Assert.True((await cluster.First.HeartbeatAsync(new HeartbeatRequest(Node("n1"), Guid.NewGuid(), first.Epoch + 1, space), default)).MustRegister);
        Assert.False((await cluster.First.HeartbeatAsync(new HeartbeatRequest(Node("n1"), own, first.Epoch + 1, space), default)).MustRegister);
    }

    [SkippableFact]
    public async Task A_node_that_comes_back_with_another_disk_is_a_problem_to_be_seen()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        await cluster.StoreAsync("x", "y");
        Assert.True((await cluster.First.ClusterAsync(default)).Healthy);
        cluster.Time.Advance(Leases.Node);
        await cluster.RegisterAsync("n1");
        await cluster.RegisterAsync("n2", incarnation: Guid.NewGuid());
        var status = await cluster.First.ClusterAsync(default);
        Assert.Contains(status.Problems, problem => problem.Contains("n2") && problem.Contains("2 files"));
        // It stays one when the node starts again.
        await cluster.RegisterAsync("n2");
        Assert.False((await cluster.First.ClusterAsync(default)).Healthy);
    }

    [SkippableFact]
    public async Task The_status_counts_clients_files_and_places()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterAsync("n1", zone: "z");
        await cluster.RegisterManyAsync("n2", "n3");
        await cluster.StoreAsync("x", "y", "z");
        await cluster.PlaceAsync("open", ["a", "b"]);
        var status = await cluster.Second.ClusterAsync(default);
        Assert.Equal((true, 2, 1L, 2L, cluster.Time.NowMs), (status.Healthy, status.Copies, status.Clients, status.Reserved, status.NowMs));
        Assert.Equal(10, status.Nodes.Sum(node => node.Files));
        Assert.Equal("z", status.Nodes[0].Zone);
        Assert.Null(status.Nodes[1].Zone);
    }

    private static async Task<PlaceReply> PlaceOneAsync(ManagersOnRedis cluster) => await cluster.PlaceAsync("one", ["x"]);
}

[Collection(OnGarnet.Name)]
public sealed class MembershipOnGarnet(GarnetFixture fixture) : MembershipTests(fixture);

[Collection(OnDebian.Name)]
public sealed class MembershipOnDebian(DebianFixture fixture) : MembershipTests(fixture);
