using Backup.Client;
using Backup.Protocol;
using Backup.ServiceDefaults;
using Backup.Tests.Manager;
using static Backup.Tests.Manager.ManagersOnRedis;

namespace Backup.Tests.Access;

/// <summary>
/// Somebody has the client's token, and wants its past gone. What was stored stays, whatever he claims; what only a token that
/// may delete can do can be taken back; and a pin holds against everybody.
/// </summary>
[Collection(OnGarnet.Name)]
public sealed class RansomwareTests(GarnetFixture fixture)
{
    private static readonly RootedPath Letter = RootedPath.Parse("letter");

    private readonly ClientId client = ClientId.New();

    [Fact]
    public async Task A_token_that_may_only_append_leaves_every_earlier_version_as_it_was()
    {
        await using var servers = await StartAsync();
        var cluster = await ConnectAsync(servers, Scope.Append | Scope.Read | Scope.List);
        var good = await UploadAsync(cluster, "good");

        // Over it, with every time there is: the cluster's own counts.
        foreach (var mtimeNs in new[] { long.MinValue, 0, good.TimeMs * 1_000_000, long.MaxValue })
        {
            var bad = await UploadAsync(cluster, "encrypted by somebody", mtimeNs);
            Assert.True(bad.Version > good.Version && bad.TimeMs >= good.TimeMs);
        }
        Assert.Equal("good", await ReadAsync(cluster, good.Version));

        // The same version once more, with another content.
        var again = new CommitFile(Letter, good.Version, VersionKind.File, 3, ChunkId.Of("bad"u8), 0, 0, good.Nodes);
        await RefusedAsync(() => cluster.AskAsync(node => node.CommitAsync(client, new CommitRequest("again", [again]), default), default),
            FailureCode.AlreadyExists, FailureCode.ReservationGone);
        using var chunk = Record.Of(RecordKind.Chunk, client, "bad"u8);
        using var manifest = Record.Of(RecordKind.Manifest, client, new Manifest(new ManifestHead
        {
            Path = Letter,
            Version = good.Version,
            Kind = VersionKind.File,
            TimeMs = 0,
            SizeBytes = 3,
            Digest = chunk.Header.Id,
            Nodes = good.Nodes,
            Epoch = 1_000,
        }, [new ChunkRef(chunk.Header.Id, 3)]).Encode());
        await RefusedAsync(() => cluster.AskAsync(node => node.StoreAsync(client, "n1", 1_000, new RecordsContent([chunk, manifest]), default), default),
            FailureCode.AlreadyExists, FailureCode.InvalidRequest);
        Assert.Equal("good", await ReadAsync(cluster, good.Version));
    }

    [Fact]
    public async Task A_token_that_may_only_append_deletes_nothing_and_shortens_nothing()
    {
        await using var servers = await StartAsync();
        var cluster = await ConnectAsync(servers, Scope.Append | Scope.Read | Scope.List);
        var good = await UploadAsync(cluster, "good");
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        var pinned = await cluster.AskAsync(node => node.SnapshotAsync(client, new SnapshotRequest("mine", PinnedUntilMs: now + 1_000_000), default), default);
        foreach (var until in new long?[] { null, now + 1_000, now + 999_999 })
            Assert.Equal(pinned, await cluster.AskAsync(node => node.SnapshotAsync(client, new SnapshotRequest("mine", PinnedUntilMs: until), default), default));
        await RefusedAsync(() => cluster.AskAsync(node => node.SnapshotAsync(client, new SnapshotRequest("mine", AtMs: 1), default), default), FailureCode.AlreadyExists);
        await RefusedAsync(() => cluster.AskAsync(node => node.SnapshotAsync(client, new SnapshotRequest("later", AtMs: now + 86_400_000), default), default), FailureCode.InvalidRequest);
        await FailsAsync(FailureCode.Forbidden, () => cluster.AskAsync(node => node.DeleteSnapshotAsync(client, new SnapshotDeleteRequest("mine"), default), default));
        await FailsAsync(FailureCode.Forbidden, () => cluster.AskAsync(node => node.RetainAsync(client, new RetentionRequest(new RetentionPolicy(), Apply: true), default), default));
        await FailsAsync(FailureCode.Forbidden, () => cluster.AskAsync(node => node.PlaceAsync(client, new PlaceRequest("op", [new PlaceFile(Letter, VersionKind.Tombstone, 0)]), default), default));
        using var http = new HttpClient { BaseAddress = servers.Node.Address };
        using var delete = new HttpRequestMessage(HttpMethod.Delete, "/files/letter");
        delete.Headers.Authorization = new("Bearer", (await Credential.EnrolAsync(servers.Tokens, client, Scope.Append | Scope.Read | Scope.List)).Reveal());
        Assert.Equal(System.Net.HttpStatusCode.Forbidden, (await http.SendAsync(delete)).StatusCode);
        Assert.Equal("good", await ReadAsync(cluster, good.Version));
    }

    [Fact]
    public async Task A_pin_holds_against_every_credential()
    {
        await using var servers = await StartAsync();
        var cluster = await ConnectAsync(servers, Scopes.OfTokens);
        var good = await UploadAsync(cluster, "good");
        var until = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() + 1_000_000;
        await cluster.AskAsync(node => node.SnapshotAsync(client, new SnapshotRequest("kept", PinnedUntilMs: until), default), default);
        await UploadAsync(cluster, "bad");
        var grants = new PeerGrants(ClusterKey.Parse(ManagerProcess.KeyText), "n9", TimeProvider.System);
        foreach (var (audience, address, proof) in new (string, Uri, IProof?)[]
        {
            ("client", servers.Node.Address, null), ("n1", servers.Node.Address, grants.To("n1")), (Grant.Manager, servers.Manager.Address, grants.To(Grant.Manager)),
        })
        {
            Task<T> AskAsync<T>(Func<INode, Task<T>> call) => proof is null ? cluster.AskAsync(call, default) : call(Clients.Create<INode>(address, audience, proof: proof));
            await Assert.ThrowsAsync<FailureException>(() => AskAsync(node => node.DeleteSnapshotAsync(client, new SnapshotDeleteRequest("kept"), default)));
            Assert.Equal(until, (await AskAsync(node => node.SnapshotAsync(client, new SnapshotRequest("kept", PinnedUntilMs: until - 5_000), default))).PinnedUntilMs);
            var kept = await AskAsync(node => node.RetainAsync(client, new RetentionRequest(new RetentionPolicy(Last: 1), Apply: true), default));
            Assert.Contains("pinned", Assert.Single(kept.Kept, k => k.Snapshot.Name == "kept").Reasons);
        }
        Assert.Equal("good", await ReadAsync(cluster, good.Version));
    }

    [Fact]
    public async Task What_a_token_that_may_delete_deletes_can_be_taken_back_by_one_that_may_not()
    {
        await using var servers = await StartAsync();
        var thief = await ConnectAsync(servers, Scopes.OfTokens);
        var good = await UploadAsync(thief, "good");
        await thief.AskAsync(node => node.SnapshotAsync(client, new SnapshotRequest("before", Automatic: true), default), default);
        await UploadAsync(thief, "bad");
        await thief.AskAsync(node => node.SnapshotAsync(client, new SnapshotRequest("after", Automatic: true), default), default);
        var dropped = await thief.AskAsync(node => node.RetainAsync(client, new RetentionRequest(new RetentionPolicy(Last: 1), Apply: true), default), default);
        Assert.Equal("before", Assert.Single(dropped.Dropped).Name);
        Assert.True(dropped.UndoUntilMs > TimeProvider.System.GetUtcNow().AddDays(6).ToUnixTimeMilliseconds());
        Assert.DoesNotContain(await VersionsAsync(thief), version => version.Version == good.Version);

        var owner = await ConnectAsync(servers, Scope.Append | Scope.Read | Scope.List);
        await owner.AskAsync(node => node.UndoRetentionAsync(client, default), default);
        Assert.Equal("good", await ReadAsync(owner, good.Version));
    }

    private Task<RouteTableTests.Servers> StartAsync() => RouteTableTests.Servers.StartAsync(fixture, SecurityOptions.Invitation, "--Cluster:Copies=1");

    private async Task<ClusterConnection> ConnectAsync(RouteTableTests.Servers servers, Scope scopes)
    {
        var token = await Credential.EnrolAsync(servers.Tokens, client, scopes);
        return new ClusterConnection([servers.Node.Address], client, new NodeClients(new ProvingNetwork(Shown.Token(token))));
    }

    private static async Task<Receipt> UploadAsync(ClusterConnection cluster, string content, long mtimeNs = 1)
    {
        var bytes = System.Text.Encoding.UTF8.GetBytes(content);
        var source = new SourceFile(Letter, VersionKind.File, bytes.Length, mtimeNs, 0, null, () => new MemoryStream(bytes));
        await foreach (var result in new Uploader(cluster, new TransferCounters()).UploadAsync([source], default))
            return result.Receipt ?? throw result.Failure!.Exception();
        throw new InvalidOperationException("No result.");
    }

    private async Task<FileVersion[]> VersionsAsync(ClusterConnection cluster) =>
        (await cluster.AskAsync(node => node.VersionsAsync(client, new VersionsRequest(Letter), default), default)).Versions;

    private async Task<string> ReadAsync(ClusterConnection cluster, long version)
    {
        using var content = new MemoryStream();
        var target = new OutputTarget(content);
        await new Restorer(cluster, new TransferCounters()).RestoreAsync([Assert.Single(await VersionsAsync(cluster), v => v.Version == version)], target, default);
        Assert.Null(target.Failure);
        return System.Text.Encoding.UTF8.GetString(content.ToArray());
    }

    private static async Task RefusedAsync<T>(Func<Task<T>> call, params FailureCode[] codes) =>
        Assert.Contains((await Assert.ThrowsAsync<FailureException>(call)).Failure.Code, codes);
}
