using Backup.Protocol;
using static Backup.Tests.Manager.ManagersOnRedis;

namespace Backup.Tests.Manager;

/// <summary>Each wrong request gets an error that says what is wrong, and changes nothing.</summary>
public abstract class BadInputTests(RedisFixture fixture)
{
    [SkippableFact]
    public async Task Wrong_places_are_refused()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        var good = new PlaceFile(Path("x"), VersionKind.File, 1);
        async Task Refused(string says, PlaceRequest request) => Assert.Contains(says,
            (await FailsAsync(FailureCode.InvalidRequest, () => cluster.First.PlaceAsync(cluster.Client, request, default))).Message);
        foreach (var operation in new[] { "", "a b", "a:b", "a\n", new string('a', 65), "ä" })
            await Refused("operation id", new PlaceRequest(operation, [good]));
        await Refused("1 to 1,000 files, not 0", new PlaceRequest("a", []));
        await Refused("not 1,001", new PlaceRequest("a", [.. Enumerable.Range(0, 1001).Select(i => good with { Path = Path(Name(i)) })]));
        await Refused("'x' stands in the call twice", new PlaceRequest("a", [good, good with { SizeBytes = 2 }]));
        await Refused("a size that no file has", new PlaceRequest("a", [good with { SizeBytes = -1 }]));
        await Refused("no known kind", new PlaceRequest("a", [good with { Kind = (VersionKind)9 }]));
        await Refused("no path", new PlaceRequest("a", [good with { Path = default }]));
        Assert.Equal(0, (await cluster.First.ClusterAsync(default)).Reserved);
    }

    [SkippableFact]
    public async Task An_operation_cannot_hold_places_without_end()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        foreach (var batch in Enumerable.Range(0, 10_000).Select(Name).Chunk(1000))
            await cluster.PlaceAsync("a", batch);
        var failure = await FailsAsync(FailureCode.InvalidRequest, () => cluster.PlaceAsync("a", ["more"]));
        Assert.Contains("10,000 places", failure.Message);
        await cluster.PlaceAsync("a", [Name(1)]);
        await cluster.PlaceAsync("b", ["more"]);
        await cluster.AssertLoadsExactAsync();
    }

    [SkippableFact]
    public async Task Wrong_commits_are_refused()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        var placed = await cluster.PlaceAsync("a", ["x"]);
        var good = FileOf("x", placed.Files[0], placed);
        async Task Refused(string says, CommitFile file) => Assert.Contains(says,
            (await FailsAsync(FailureCode.InvalidRequest, () => cluster.First.CommitAsync(cluster.Client, new CommitRequest("a", [file]), default))).Message);
        await Refused("no version number", good with { Version = 0 });
        await Refused("no known kind", good with { Kind = 0 });
        await Refused("a size that no file has", good with { SizeBytes = -1 });
        await Refused("mode", good with { Mode = -1 });
        await Refused("0 nodes", good with { Nodes = [] });
        await Refused("twice", good with { Nodes = [good.Nodes[0], good.Nodes[0]] });
        await Refused("twice, or none", good with { Nodes = [good.Nodes[0], default] });
        foreach (var trace in new[] { "", "a b", "x\n1 1 1", ",n1,", new string('0', 65) })
            await Refused("trace id", good with { TraceId = trace });
        await FailsAsync(FailureCode.InvalidRequest, () => cluster.First.CommitAsync(cluster.Client, new CommitRequest("a", [good, good]), default));
        await cluster.First.CommitAsync(cluster.Client, new CommitRequest("a", [good]), default);
    }

    [SkippableFact]
    public async Task Wrong_listings_are_refused()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        foreach (var request in new[] { new ListRequest("", null, 0), new ListRequest("", null, 1001), new ListRequest("", null, 10, -1),
            new ListRequest(new string('x', 4097), null, 10), new ListRequest("", "\ud800", 10), new ListRequest("a\0", null, 10) })
            await FailsAsync(FailureCode.InvalidRequest, () => cluster.First.ListAsync(cluster.Client, request, default));
        await FailsAsync(FailureCode.InvalidRequest, () => cluster.First.LookupAsync(cluster.Client, new LookupRequest([]), default));
        await FailsAsync(FailureCode.InvalidRequest, () => cluster.First.VersionsAsync(cluster.Client, new VersionsRequest(default), default));
    }

    [SkippableFact]
    public async Task Names_that_look_like_keys_or_patterns_are_just_names()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        string[] paths = ["loads", "f:x", "*", "?[a]", "a,b", ",n1,", " 1 2 3 ", "x\n99 1 1", "\r\n", "-inf", "+", "(a", "[a", "\u0001", "é", "e\u0301", "%00", "\u202e"];
        await cluster.StoreAsync(paths);
        var listed = await cluster.First.ListAsync(cluster.Client, new ListRequest("", null, 100), default);
        Assert.Equal(paths.Order(StringComparer.Ordinal), listed.Files.Select(file => file.Path.Value));
        var looked = await cluster.First.LookupAsync(cluster.Client, new LookupRequest([.. paths.Select(Path)]), default);
        Assert.All(looked.Files, Assert.NotNull);
        await cluster.AssertLoadsExactAsync();
    }

    [SkippableFact]
    public async Task Wrong_registrations_are_refused()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        var good = new RegisterRequest(Node("n1"), Address("n1"), Guid.NewGuid(), null, new NodeSpace(1, 1, 0));
        foreach (var request in new[] { good with { Id = default }, good with { Zone = "a b" }, good with { Zone = "-" },
            good with { Zone = new string('z', 65) }, good with { Address = new Uri("/relative", UriKind.Relative) },
            good with { Address = new Uri("file:///etc/passwd") }, good with { Space = new NodeSpace(-1, 1, 0) } })
            await FailsAsync(FailureCode.InvalidRequest, () => cluster.First.RegisterAsync(request, default));
        Assert.Empty((await cluster.First.ClusterAsync(default)).Nodes);
        Assert.All(new[] { "n1\n", "n 1", "N1", "", "-n", "n,1" }, id => Assert.False(NodeId.TryParse(id, null, out _)));
        await FailsAsync(FailureCode.NotFound, () => cluster.Get<Backup.Manager.Registry>().DrainAsync(Node("n1"), true, default));
    }
}

[Collection(OnGarnet.Name)]
public sealed class BadInputOnGarnet(GarnetFixture fixture) : BadInputTests(fixture);

[Collection(OnDebian.Name)]
public sealed class BadInputOnDebian(DebianFixture fixture) : BadInputTests(fixture);
