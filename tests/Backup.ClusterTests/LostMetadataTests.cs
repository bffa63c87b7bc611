using Backup.Protocol;

namespace Backup.ClusterTests;

/// <summary>Redis is emptied, loses its directory, goes back in time, is killed: the cluster notices, and nothing that was acknowledged is lost.</summary>
public class LostMetadataTests
{
    [LongTheory, Trait("Runs", "long"), InlineData(false), InlineData(true)]
    public async Task Metadata_comes_back_from_the_nodes_names_included(bool isExternal)
    {
        await using var rig = await ClusterOnRedis.StartAsync(isExternal);
        var connection = rig.Cluster.Connect(ClientId.New());
        await connection.UploadAsync(Enumerable.Range(0, 60).Select(i => Transfers.File($"many/{i}", i, 1000 * i)));
        await connection.UploadAsync(Transfers.File("many/3", 103, 300_000));
        await connection.UploadAsync(Transfers.Gone("many/5"));
        var before = await SeenAsync(connection);

        await rig.FlushAsync();
        var rebuilt = await rig.RebuiltAsync(0);
        Assert.Equal(62, rebuilt.VersionsRestored);
        Assert.Equal(before, await SeenAsync(connection));
        await connection.RestoreAsync((await connection.LookupAsync("many/3"))!, 103);
        var next = await connection.UploadAsync(Transfers.File("many/3", 203, 5_000));
        Assert.Equal(2, next.Nodes.Length);

        // Its directory is gone.
        before = await SeenAsync(connection);
        await rig.KillRedisAsync();
        Directory.Delete(rig.RedisDirectory, recursive: true);
        Directory.CreateDirectory(rig.RedisDirectory);
        await rig.StartRedisAsync();
        rebuilt = await rig.RebuiltAsync(rebuilt.StartedMs);
        Assert.Equal(before, await SeenAsync(connection));

        // An older copy of its directory is put back.
        var copy = Directory.CreateTempSubdirectory("backup-old-redis-").FullName;
        await rig.KillRedisAsync();
        ClusterOnRedis.Copy(rig.RedisDirectory, copy);
        await rig.StartRedisAsync();
        await connection.UploadAsync(Enumerable.Range(0, 20).Select(i => Transfers.File($"later/{i}", i, 2000)));
        before = await SeenAsync(connection);
        await rig.Cluster.WaitForHeartbeatsAsync();
        await rig.KillRedisAsync();
        Directory.Delete(rig.RedisDirectory, recursive: true);
        ClusterOnRedis.Copy(copy, rig.RedisDirectory);
        Directory.Delete(copy, recursive: true);
        await rig.StartRedisAsync();
        await rig.RebuiltAsync(rebuilt.StartedMs);
        Assert.Equal(before, await SeenAsync(connection));
        await connection.RestoreAsync((await connection.LookupAsync("later/7"))!, 7);
        await connection.UploadAsync(Transfers.File("last", 1, 2000));
    }

    [LongTheory, Trait("Runs", "long"), InlineData(false), InlineData(true)]
    public async Task Redis_killed_under_load_loses_nothing_that_was_acknowledged(bool isExternal)
    {
        await using var rig = await ClusterOnRedis.StartAsync(isExternal);
        var connection = rig.Cluster.Connect(ClientId.New());
        var acknowledged = new System.Collections.Concurrent.ConcurrentDictionary<int, Receipt>();
        using var stop = new CancellationTokenSource();
        var load = Enumerable.Range(0, 4).Select(worker => Task.Run(async () =>
        {
            for (var i = worker; !stop.IsCancellationRequested; i += 4)
            {
                try
                {
                    await foreach (var result in new Uploader(connection, new TransferCounters()).UploadAsync([Transfers.File($"load/{i}", i, 3000 + i)], default))
                    {
                        if (result.Receipt is { } receipt)
                            acknowledged[i] = receipt;
                    }
                }
                catch (FailureException e) when (e.Failure.IsTransient)
                {
                    // Not acknowledged: on a busy machine Redis takes longer to start than a client waits.
                }
            }
        })).ToList();
        for (var kill = 0; kill < 2; kill++)
        {
            var enough = acknowledged.Count + 20;
            using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
            while (acknowledged.Count < enough)
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, patience.Token);
            await rig.KillRedisAsync();
            await rig.StartRedisAsync();
        }
        await stop.CancelAsync();
        await Task.WhenAll(load);
        Assert.True(acknowledged.Count >= 40);
        foreach (var (i, receipt) in acknowledged)
        {
            var version = await connection.LookupAsync($"load/{i}");
            Assert.Equal(receipt.Version, version?.Version);
            if (i % 10 == 0)
                await connection.RestoreAsync(version!, i);
        }
    }

    /// <summary>All names with all their versions.</summary>
    private static async Task<List<string>> SeenAsync(ClusterConnection connection)
    {
        var seen = new List<string>();
        var list = await connection.AskAsync(node => node.ListAsync(connection.Client, new ListRequest("", null, 1000), default), default);
        foreach (var path in list.Files.Select(file => file.Path).Append(RootedPath.Parse("many/5")))
        {
            var versions = await connection.AskAsync(node => node.VersionsAsync(connection.Client, new VersionsRequest(path), default), default);
            seen.AddRange(versions.Versions.Select(version => $"{version with { Nodes = [] }} on {string.Join(',', version.Nodes)}"));
        }
        return seen;
    }
}
