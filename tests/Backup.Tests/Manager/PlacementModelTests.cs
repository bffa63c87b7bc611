using Backup.Manager;
using Backup.Protocol;
using CsCheck;
using static Backup.Tests.Manager.ManagersOnRedis;

namespace Backup.Tests.Manager;

/// <summary>The script against the pure function, over random clusters and histories.</summary>
public abstract class PlacementModelTests(RedisFixture fixture)
{
    private const int StepsPerHistory = 25;

    /// <summary>Each history takes some 100 ms; the seed of a failing one is printed and reruns it.</summary>
    private const int Histories = 25;

    [SkippableFact]
    public async Task The_script_does_what_the_function_says()
    {
        await fixture.ServerAsync();
        await Gen.Select(Gen.Int[1, 12], Gen.Int[1, 3], Gen.Int[0, 4], Gen.Int[0, int.MaxValue])
            .SampleAsync((nodes, copies, zones, seed) => RunAsync(nodes, copies, zones, new Random(seed)), iter: Histories, threads: 1);
    }

    [SkippableFact]
    public async Task It_does_so_with_many_nodes_as_well()
    {
        await fixture.ServerAsync();
        await RunAsync(150, 3, 0, new Random(1));
        await RunAsync(150, 3, 7, new Random(2));
        await RunAsync(150, 5, 2, new Random(3), "a-long-name-all-share-");
    }

    private async Task RunAsync(int nodes, int copies, int zones, Random random, string prefix = "")
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture, ("Cluster:Copies", $"{copies}"));
        var model = new PlacementModel(copies);
        for (var i = 0; i < nodes; i++)
        {
            var id = Node($"{prefix}{(char)('a' + random.Next(26))}{(random.Next(2) == 0 ? "-" : "")}{i}");
            var zone = zones == 0 || random.Next(8) == 0 ? null : $"zone{random.Next(zones)}";
            model.Nodes[id] = new PlacementModel.ModelNode { Id = id, Zone = zone, FreeBytes = RandomFree(random) };
            model.Loads[id] = 0;
            await cluster.RegisterAsync(id.Value, model.Nodes[id].FreeBytes, zone);
        }
        await PassTimeAsync(cluster, model, null, random);
        for (var step = 0; step < StepsPerHistory; step++)
        {
            await StepAsync(cluster, model, random);
            var loads = await cluster.LoadsAsync();
            Assert.Equal(model.Nodes.Keys.Select(node => $"{node}={model.Loads[node]}"), model.Nodes.Keys.Select(node => $"{node}={loads[node.Value]}"));
        }
        await cluster.AssertLoadsExactAsync();
    }

    private static async Task StepAsync(ManagersOnRedis cluster, PlacementModel model, Random random)
    {
        NodeId Any() => model.Nodes.Keys.ElementAt(random.Next(model.Nodes.Count));
        switch (random.Next(10))
        {
            case <= 4:
                await PlaceAsync(cluster, model, random, cluster.NewOperation(), [.. Enumerable.Range(0, random.Next(1, 40))
                    .Select(_ => $"f{random.Next(60)}").Distinct()]);
                break;
            case 5 when model.Operations.Count > 0:
                var (operation, reserved) = model.Operations.ElementAt(random.Next(model.Operations.Count));
                if (reserved.Count > 0)
                    await PlaceAsync(cluster, model, random, operation, [.. reserved.Keys]);
                break;
            case 6 or 7 when model.Operations.Count > 0:
                await CommitAsync(cluster, model, random);
                break;
            case 8:
                var node = model.Nodes[Any()];
                node.Draining = !node.Draining;
                await cluster.Get<Registry>().DrainAsync(node.Id, node.Draining, default);
                break;
            default:
                await PassTimeAsync(cluster, model, random.Next(3) == 0 ? model.Nodes[Any()] : null, random);
                break;
        }
    }

    private static async Task PlaceAsync(ManagersOnRedis cluster, PlacementModel model, Random random, string operation, string[] paths)
    {
        NodeId[] avoid = [.. model.Nodes.Keys.Where(_ => random.Next(8) == 0).Take(2)];
        (string Path, long SizeBytes)[] wanted = [.. paths.Select(path => (path, random.Next(6) == 0 ? 3 * Gigabyte : 1))];
        var expected = model.Place(operation, wanted, avoid);
        var request = new PlaceRequest(operation, [.. wanted.Select(file => new PlaceFile(Path(file.Path), VersionKind.File, file.SizeBytes))], avoid);
        if (expected is null)
        {
            await FailsAsync(FailureCode.NotEnoughNodes, () => cluster.Second.PlaceAsync(cluster.Client, request, default));
            return;
        }
        var placed = await cluster.First.PlaceAsync(cluster.Client, request, default);
        Assert.Equal(expected.Select(nodes => string.Join(',', nodes)), paths.Select((_, i) => string.Join(',', NodesOf(placed, i))));
        Assert.Equal(paths.Select(path => model.Operations[operation][path].Version), placed.Files.Select(file => file.Version));
    }

    private static async Task CommitAsync(ManagersOnRedis cluster, PlacementModel model, Random random)
    {
        var (operation, reserved) = model.Operations.ElementAt(random.Next(model.Operations.Count));
        string[] paths = [.. reserved.Keys.Where(_ => random.Next(4) != 0)];
        if (paths.Length == 0)
            return;
        await cluster.Second.CommitAsync(cluster.Client, new CommitRequest(operation, [.. paths.Select(path => new CommitFile(
            Path(path), reserved[path].Version, VersionKind.File, 1, ChunkId.Of([1]), 0, 0, reserved[path].Nodes))]), default);
        model.Commit(operation, paths);
    }

    /// <summary>A lease's time passes: who is alive renews it with other space, one may miss it, and who missed it may come back.</summary>
    private static async Task PassTimeAsync(ManagersOnRedis cluster, PlacementModel model, PlacementModel.ModelNode? dies, Random random)
    {
        // Twice this is within the lease, three times is not.
        var part = Leases.Node * 0.45;
        cluster.Time.Advance(part);
        foreach (var node in model.Nodes.Values.Where(node => node != dies))
        {
            node.FreeBytes = random.Next(6) == 0 ? 0 : RandomFree(random);
            if (node.Dead)
                await cluster.RegisterAsync(node.Id.Value, node.FreeBytes, node.Zone);
            else
                Assert.False((await cluster.HeartbeatAsync(node.Id.Value, node.FreeBytes)).MustRegister);
            node.Dead = false;
        }
        cluster.Time.Advance(part);
        if (dies is not null)
            dies.Dead = true;
    }

    private static long RandomFree(Random random) => random.Next(1, 6) * Gigabyte + random.Next(3);
}

[Collection(OnGarnet.Name)]
public sealed class PlacementModelOnGarnet(GarnetFixture fixture) : PlacementModelTests(fixture);

[Collection(OnDebian.Name)]
public sealed class PlacementModelOnDebian(DebianFixture fixture) : PlacementModelTests(fixture);
