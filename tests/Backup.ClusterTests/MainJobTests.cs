using System.Net;
using System.Net.Http.Json;
using System.Text;
using Backup.Protocol;

namespace Backup.ClusterTests;

/// <summary>The main job on a whole cluster: a file sent to any node lies on two, and comes back through any, from either.</summary>
[Collection(ClusterCollection.Name)]
public class MainJobTests(ClusterFixture fixture)
{
    private readonly RunningCluster cluster = fixture.Cluster;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(300_000)]
    [InlineData(5 << 20)]
    [InlineData(40 << 20)]
    public async Task A_file_sent_to_any_node_comes_back_through_any_node_from_either_copy(long sizeBytes)
    {
        var client = ClientId.New();
        foreach (var sentTo in cluster.Addresses())
        {
            var path = $"any/{sentTo.Port}.bin";
            var receipt = await cluster.Connect(client, sentTo).UploadAsync(Transfers.File(path, sentTo.Port, sizeBytes));
            Assert.Equal(2, receipt.Nodes.Distinct().Count());
            Assert.Equal(0, receipt.CopiesOwed);
            Assert.Equal(sizeBytes, receipt.SizeBytes);
            foreach (var askedOf in cluster.Addresses())
            {
                var connection = cluster.Connect(client, askedOf);
                var version = await connection.LookupAsync(path);
                Assert.Equal(receipt.Digest, version!.Digest);
                foreach (var holder in receipt.Nodes)
                    await connection.RestoreFromAsync(version, holder, sentTo.Port);
            }
        }
    }

    /// <summary>A record is opened while the one before it is written: what that holds must stay as it is until it is.</summary>
    [Fact]
    public async Task A_target_that_takes_its_time_gets_every_compressed_chunk_as_it_was()
    {
        var connection = cluster.Connect(ClientId.New());
        var text = Encoding.ASCII.GetBytes(string.Join('\n', Enumerable.Range(0, 300_000)));
        await connection.UploadAsync(new SourceFile(RootedPath.Parse("numbers"), VersionKind.File, text.Length, 0, 0, null, () => new MemoryStream(text)));
        var target = new Slow();
        await new Restorer(connection, new TransferCounters()).RestoreAsync([(await connection.LookupAsync("numbers"))!], target, default);
        Assert.Equal(text, target.Written.ToArray());
    }

    [Fact]
    public async Task Many_small_files_travel_together_and_all_come_back()
    {
        var connection = cluster.Connect(ClientId.New());
        var files = Enumerable.Range(0, 2_500).Select(i => Transfers.File($"small/{i:d5}.txt", i, i % 5_000)).ToList();
        var receipts = await connection.UploadAsync(files);
        Assert.Equal(files.Select(f => f.Path), receipts.Select(r => r.Path));
        for (var i = 0; i < files.Count; i += 250)
            await connection.RestoreAsync((await connection.LookupAsync(files[i].Path.Value))!, seed: i);
    }

    /// <summary>On a cluster of its own: evenness is only to be had from an even start.</summary>
    [Fact]
    public async Task After_100_concurrent_uploads_the_loads_are_exact_and_even()
    {
        await using var cluster = await RunningCluster.StartAsync();
        var before = await cluster.Connect(ClientId.New()).StatusAsync();
        var clients = Enumerable.Range(0, 100).Select(_ => ClientId.New()).ToList();
        await Task.WhenAll(clients.Select((client, i) =>
            cluster.Connect(client, cluster.NodeAddress(1 + i % cluster.Nodes)).UploadAsync(Transfers.File($"file-{i}", i, 10_000 + i))));

        var held = new Dictionary<NodeId, long>();
        foreach (var (client, i) in clients.Select((c, i) => (c, i)))
        {
            foreach (var node in (await cluster.Connect(client).LookupAsync($"file-{i}"))!.Nodes)
                held[node] = held.GetValueOrDefault(node) + 1;
        }
        var after = await cluster.Connect(ClientId.New()).StatusAsync();
        Assert.Equal(0, after.Reserved);
        foreach (var node in after.Nodes)
            Assert.Equal(held.GetValueOrDefault(node.Id), node.Files - before.Nodes.Single(n => n.Id == node.Id).Files);
        Assert.InRange(after.Nodes.Max(n => n.Files) - after.Nodes.Min(n => n.Files), 0, 1);
    }

    [Fact]
    public async Task A_new_version_goes_to_the_same_nodes_and_sends_only_what_changed()
    {
        var connection = cluster.Connect(ClientId.New());
        var first = await connection.UploadAsync(Transfers.File("grown", 9, 30 << 20));
        var counters = new TransferCounters();
        var second = Assert.Single(await connection.UploadAsync([Transfers.File("grown", 9, 31 << 20)], counters));

        Assert.Equal(first.Nodes, second.Nodes);
        Assert.True(second.Version > first.Version);
        Assert.InRange(counters.BytesSent, 1, 6 << 20);
        Assert.Equal(31 << 20, counters.BytesRead);
        await connection.RestoreAsync((await connection.LookupAsync("grown"))!, 9);
        var versions = await connection.AskAsync(n => n.VersionsAsync(connection.Client, new VersionsRequest(RootedPath.Parse("grown")), default), default);
        Assert.Equal([first.Version, second.Version], versions.Versions.Select(v => v.Version));
        await connection.RestoreAsync(versions.Versions[0], 9);
    }

    [Fact]
    public async Task A_deleted_file_is_gone_now_and_there_as_of_before()
    {
        var connection = cluster.Connect(ClientId.New());
        var stored = await connection.UploadAsync(Transfers.File("deleted", 4, 1000));
        var deleted = await connection.UploadAsync(Transfers.Gone("deleted"));
        Assert.Null(await connection.LookupAsync("deleted"));
        Assert.Equal(VersionKind.Tombstone, deleted.Kind);
        await connection.RestoreAsync((await connection.LookupAsync("deleted", asOfMs: deleted.TimeMs - 1) ?? await connection.LookupAsync("deleted", asOfMs: stored.TimeMs))!, 4);
    }

    [Fact]
    public async Task One_client_never_sees_anothers_files()
    {
        var (mine, yours) = (cluster.Connect(ClientId.New()), cluster.Connect(ClientId.New()));
        var receipt = await mine.UploadAsync(Transfers.File("secret", 5, 2_000_000));
        Assert.Null(await yours.LookupAsync("secret"));
        var target = new Refused();
        await new Restorer(yours, new TransferCounters()).RestoreAsync([(await mine.LookupAsync("secret"))!], target, default);
        Assert.Equal(FailureCode.NotFound, target.Failure?.Code);

        var counters = new TransferCounters();
        await yours.UploadAsync([Transfers.File("same content", 5, 2_000_000)], counters);
        Assert.True(counters.BytesSent > 2_000_000, "Another client's chunks were found: that tells what he has.");
        Assert.Equal(2, receipt.Nodes.Length);
    }

    [Fact]
    public async Task Plain_http_stores_restores_and_deletes()
    {
        var path = $"/files/plain/{Guid.NewGuid():n}.bin";
        using var here = new HttpClient { BaseAddress = cluster.Addresses()[0] };
        using var there = new HttpClient { BaseAddress = cluster.Addresses()[^1] };
        var content = Payload.Bytes(11, 3_000_000);

        using var put = await here.PutAsync(path, new ByteArrayContent(content));
        Assert.Equal(HttpStatusCode.Created, put.StatusCode);
        var receipt = await put.Content.ReadFromJsonAsync(WireJson.Default.Receipt);
        Assert.Equal(2, receipt!.Nodes.Length);
        Assert.Equal(content, await there.GetByteArrayAsync(path));
        using var delete = await there.DeleteAsync(path);
        Assert.Equal(HttpStatusCode.OK, delete.StatusCode);
        using var gone = await here.GetAsync(path);
        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
        Assert.Equal(FailureBody.MediaType, gone.Content.Headers.ContentType?.MediaType);
    }

    [Fact]
    public async Task With_a_node_stopped_everything_comes_back_and_new_files_are_taken()
    {
        var connection = cluster.Connect(ClientId.New());
        var receipts = await connection.UploadAsync(Enumerable.Range(0, 20).Select(i => Transfers.File($"kept/{i}", i, 200_000)));
        var victim = receipts[0].Nodes[0];
        await cluster.StopAsync(victim.Value);
        try
        {
            for (var i = 0; i < receipts.Length; i++)
                await connection.RestoreAsync((await connection.LookupAsync($"kept/{i}"))!, i);
            var later = await connection.UploadAsync(Transfers.File("kept/later", 99, 200_000));
            Assert.DoesNotContain(victim, later.Nodes);
        }
        finally
        {
            await cluster.StartAgainAsync(victim.Value);
        }
        await connection.RestoreFromAsync((await connection.LookupAsync("kept/0"))!, victim, 0);
    }

    private sealed class Refused : IRestoreTarget
    {
        public Failure? Failure { get; private set; }

        public Stream? Begin(FileVersion version, ManifestHead head) => throw new InvalidOperationException("Another client's version was sent.");

        public void Complete(FileVersion version, ManifestHead head) => throw new InvalidOperationException("Another client's version was sent.");

        public void Failed(FileVersion version, Failure failure) => Failure = failure;
    }

    private sealed class Slow : IRestoreTarget
    {
        public SlowStream Written { get; } = new();

        public Stream? Begin(FileVersion version, ManifestHead head) => Written;

        public void Complete(FileVersion version, ManifestHead head)
        {
        }

        public void Failed(FileVersion version, Failure failure) => Assert.Fail(failure.Message);
    }

    private sealed class SlowStream : MemoryStream
    {
        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(3), TimeProvider.System, cancellationToken);
            await base.WriteAsync(buffer, cancellationToken);
        }
    }
}
