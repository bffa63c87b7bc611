using Backup.Manager;
using Backup.Manager.Collection;
using Backup.Protocol;
using Backup.ServiceDefaults;
using static Backup.Tests.Manager.ManagersOnRedis;

namespace Backup.Tests.Manager;

/// <summary>A client stores no more than it may, and is told before it sends anything.</summary>
public abstract class QuotaTests(RedisFixture fixture)
{
    [SkippableFact]
    public async Task What_would_go_beyond_a_quota_gets_no_place()
    {
        await using var cluster = await StartAsync();
        // Each file of these tests has 1,000 bytes.
        await cluster.StoreAsync("x", "y");
        var standing = await cluster.First.QuotaAsync(new QuotaRequest(cluster.Client, 3_999), default);
        Assert.Equal((2_000L, 3_999L), (standing.StoredBytes, standing.QuotaBytes));
        await cluster.StoreAsync("z");

        var failure = await FailsAsync(FailureCode.QuotaExceeded, () => cluster.PlaceAsync("a", ["w"]));
        Assert.Equal("client", failure.Culprit);
        Assert.Contains("3000 of the 3999 bytes it may, and these files come to 1000", failure.Message);
        Assert.False(failure.IsTransient);
        Assert.Equal(507, (int)failure.Status);
        // A new version counts like a new file, and some of a call do not go through without the others.
        await FailsAsync(FailureCode.QuotaExceeded, () => cluster.PlaceAsync("b", ["x"]));
        await cluster.AssertLoadsExactAsync();

        // Nobody else is meant, and what costs nothing always may: folders, deletions, empty files.
        await cluster.First.PlaceAsync(ClientId.New(), new PlaceRequest("c", [new PlaceFile(Path("w"), VersionKind.File, 1 << 30)]), default);
        await cluster.First.PlaceAsync(cluster.Client, new PlaceRequest("d", [new PlaceFile(Path("x"), VersionKind.Tombstone, 0), new PlaceFile(Path("empty"), VersionKind.File, 0)]), default);

        await cluster.First.QuotaAsync(new QuotaRequest(cluster.Client, 4_000), default);
        await cluster.StoreAsync("w");
        Assert.Null((await cluster.Second.QuotaAsync(new QuotaRequest(cluster.Client, null), default)).QuotaBytes);
        await cluster.StoreAsync("x", "y", "z");
        await cluster.AssertLoadsExactAsync();
    }

    [SkippableFact]
    public async Task Two_that_were_placed_side_by_side_do_not_both_go_through()
    {
        await using var cluster = await StartAsync();
        await cluster.StoreAsync("x");
        await cluster.First.QuotaAsync(new QuotaRequest(cluster.Client, 2_000), default);
        var (one, other) = (await cluster.PlaceAsync("one", ["y"]), await cluster.PlaceAsync("other", ["z"]));
        await cluster.CommitAsync(one, "y");
        await FailsAsync(FailureCode.QuotaExceeded, () => cluster.CommitAsync(other, "z"));
        // What is committed already may be told again: it does not count twice.
        await cluster.CommitAsync(one, "y");
        await cluster.AssertLoadsExactAsync();
        await cluster.First.QuotaAsync(new QuotaRequest(cluster.Client, 3_000), default);
        await cluster.CommitAsync(other, "z");
        await cluster.AssertLoadsExactAsync();
    }

    [SkippableFact]
    public async Task What_retention_dropped_counts_until_it_is_forgotten()
    {
        await using var cluster = await StartAsync();
        foreach (var name in new[] { "one", "two" })
        {
            await cluster.StoreAsync("x", "y");
            cluster.Time.Advance(TimeSpan.FromSeconds(1));
            await cluster.First.SnapshotAsync(cluster.Client, new SnapshotRequest(name, Automatic: true), default);
            cluster.Time.Advance(TimeSpan.FromSeconds(1));
        }
        var keepOne = new RetentionRequest(new RetentionPolicy(Last: 1), Apply: true);
        Assert.Equal(2, (await cluster.First.RetainAsync(cluster.Client, keepOne, default)).Versions);
        Assert.Equal(4_000, await StoredAsync(cluster));
        await cluster.First.UndoRetentionAsync(cluster.Client, default);
        Assert.Equal(4_000, await StoredAsync(cluster));
        await cluster.AssertLoadsExactAsync();

        await cluster.First.RetainAsync(cluster.Client, keepOne, default);
        // The nodes of this test do not exist; without them there is nobody who has not forgotten yet.
        foreach (var node in new[] { "n1", "n2" })
            await cluster.Database.HashDeleteAsync(Backup.Manager.Redis.Keys.Nodes, node);
        cluster.Time.Advance(TimeSpan.FromDays(7));
        while (await cluster.Get<Forgetter>().StepAsync(default) == WorkerStep.Busy)
        {
        }
        Assert.Equal(2_000, await StoredAsync(cluster));
        await cluster.AssertLoadsExactAsync();
    }

    /// <summary>Sizes are what a client says: whatever that is, counting does not break, and what is stored can still be deleted.</summary>
    [SkippableFact]
    public async Task Sizes_beyond_all_end_at_the_bound_of_counting()
    {
        await using var cluster = await StartAsync();
        foreach (var size in new[] { -1, Limits.FileBytesMax + 1, long.MaxValue })
        {
            await FailsAsync(FailureCode.InvalidRequest, () => cluster.First.PlaceAsync(cluster.Client, new PlaceRequest("a", [new PlaceFile(Path("x"), VersionKind.File, size)]), default));
            var placed = await cluster.PlaceAsync("b", ["x"]);
            await FailsAsync(FailureCode.InvalidRequest, () => cluster.First.CommitAsync(cluster.Client, new CommitRequest("b", [FileOf("x", placed.Files[0], placed) with { SizeBytes = size }]), default));
        }
        string[] paths = [.. Enumerable.Range(0, Limits.FilesPerCallMax).Select(i => $"f{i}")];
        var first = await cluster.PlaceAsync("c", paths);
        CommitRequest Huge(PlaceReply placed) => new(placed.Operation, [.. paths.Zip(placed.Files, (path, file) => FileOf(path, file, placed) with { SizeBytes = Limits.FileBytesMax })]);
        await cluster.First.CommitAsync(cluster.Client, Huge(first), default);
        await cluster.AssertLoadsExactAsync();
        var second = await cluster.PlaceAsync("d", paths);
        await FailsAsync(FailureCode.QuotaExceeded, () => cluster.First.CommitAsync(cluster.Client, Huge(second), default));
        await cluster.AssertLoadsExactAsync();
        var gone = await cluster.First.PlaceAsync(cluster.Client, new PlaceRequest("e", [new PlaceFile(Path("f1"), VersionKind.Tombstone, 0)]), default);
        await cluster.First.CommitAsync(cluster.Client, new CommitRequest("e", [FileOf("f1", gone.Files[0], gone, VersionKind.Tombstone) with { SizeBytes = 0 }]), default);
    }

    [SkippableFact]
    public async Task A_client_that_nobody_knows_gets_none()
    {
        await using var cluster = await StartAsync();
        await FailsAsync(FailureCode.NotFound, () => cluster.First.QuotaAsync(new QuotaRequest(ClientId.New(), 1), default));
        await FailsAsync(FailureCode.InvalidRequest, () => cluster.First.QuotaAsync(new QuotaRequest(cluster.Client, -1), default));
        var enrolled = await Access.Credential.EnrolAsync(cluster.Get<Backup.Manager.Access.Tokens>(), ClientId.New(), Scope.Append);
        Assert.Equal(0, (await cluster.First.QuotaAsync(new QuotaRequest(enrolled.Client, 0), default)).StoredBytes);
        await FailsAsync(FailureCode.QuotaExceeded, () => cluster.First.PlaceAsync(enrolled.Client, new PlaceRequest("a", [new PlaceFile(Path("x"), VersionKind.File, 1)]), default));
    }

    private async Task<ManagersOnRedis> StartAsync()
    {
        var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        return cluster;
    }

    private static async Task<long?> StoredAsync(ManagersOnRedis cluster) => (await cluster.Get<Quotas>().ReadAsync(cluster.Client, default)).Stored;
}

[Collection(OnGarnet.Name)]
public sealed class QuotasOnGarnet(GarnetFixture fixture) : QuotaTests(fixture);

[Collection(OnDebian.Name)]
public sealed class QuotasOnDebian(DebianFixture fixture) : QuotaTests(fixture);
