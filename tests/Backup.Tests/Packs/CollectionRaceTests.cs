using System.Collections.Concurrent;
using System.Globalization;
using Backup.Protocol;
using Backup.Storage.Packs;
using Backup.Storage.Segments;
using Xunit.Abstractions;
using static Backup.Tests.Packs.CollectionFolder;
using static Backup.Tests.Packs.StoreFolder;

namespace Backup.Tests.Packs;

/// <summary>Uploads that rely on old chunks, while these are swept and their packs rewritten with no grace time at all.</summary>
public sealed class CollectionRaceTests(ITestOutputHelper output) : IDisposable
{
    private const int ChunkBytes = 4_000;
    private const int Writers = 3;
    private const int ChunksInUse = 200;
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(6);
    private readonly StoreFolder folder = new();
    private readonly ConcurrentDictionary<long, int[]> stored = new();
    private long lastVersion;
    private long refused;

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task No_committed_version_ever_loses_a_chunk()
    {
        var seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        await using (var store = await folder.OpenAsync(packBytesMax: 300_000))
        {
            using var end = new CancellationTokenSource(Duration);
            var collecting = Task.Run(() => CollectAsync(store, end.Token));
            var reading = Task.Run(() => ReadAsync(store, seed, end.Token));
            await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(() => UploadAsync(store, new Random(seed + writer), end.Token))));
            output.WriteLine($"{lastVersion} versions, {refused} uploads refused, {await collecting} collections, {await reading} reads, {stored.Count} versions at the end");
            await AssertAllAsync(store);
            await CollectorOf(store).CollectAsync(default);
            await AssertAllAsync(store);
        }
        folder.DeleteIndex();
        await using (var store = await folder.OpenAsync(packBytesMax: 300_000))
            await AssertAllAsync(store);
    }

    private async Task AssertAllAsync(PackStore store)
    {
        Assert.Empty(store.Damage);
        foreach (var (version, seeds) in stored)
            await AssertFileAsync(store, version, seeds, ChunkBytes);
    }

    /// <summary>Asks what is missing, sends that in one segment, and the manifest in another, as the client does.</summary>
    private async Task UploadAsync(PackStore store, Random random, CancellationToken ct)
    {
        var receiver = new SegmentReceiver(store, new Backup.Storage.Membership.Peers(Node, catalogue: null!));
        while (!ct.IsCancellationRequested)
        {
            var version = Interlocked.Increment(ref lastVersion);
            int[] seeds = [.. Enumerable.Range(0, random.Next(1, 6)).Select(_ => random.Next(ChunksInUse))];
            var missing = store.Missing(Alice, [.. seeds.Select(s => IdOf(s, ChunkBytes))]);
            var manifest = FileOf($"file-{version}", version, [.. seeds.Select(s => Content(s, ChunkBytes))]);
            try
            {
                if (random.Next(2) == 0)
                {
                    await SendAsync(receiver, [.. missing.Select(i => Chunk(seeds[i], ChunkBytes))]);
                    await SendAsync(receiver, [RecordOf(manifest)]);
                }
                else
                    await SendAsync(receiver, [.. missing.Select(i => Chunk(seeds[i], ChunkBytes)), RecordOf(manifest)]);
                stored[version] = seeds;
            }
            catch (FailureException e) when (e.Failure.Code == FailureCode.MissingChunks)
            {
                // Without a grace time the answer about missing chunks holds for no time.
                Interlocked.Increment(ref refused);
            }
            // Keys are copied: another writer may take some away meanwhile.
            if (stored.Keys is { Count: > 20 } keys && keys.ElementAt(random.Next(20)) is var old && stored.TryRemove(old, out _))
                Assert.Equal(1, await store.ForgetAsync(Alice, [old], default));
        }
    }

    private static async Task SendAsync(SegmentReceiver receiver, Record[] records)
    {
        using var body = new MemoryStream();
        foreach (var record in records)
        {
            body.Write(record.Bytes.Span);
            record.Dispose();
        }
        body.Position = 0;
        using var segment = await receiver.ReceiveAsync(Alice, [Node], body, _ => ValueTask.CompletedTask, default);
        await Task.Yield();
        await segment.CommitAsync(default);
    }

    private static async Task<string> CollectAsync(PackStore store, CancellationToken ct)
    {
        var (rounds, freed) = (0, 0L);
        using var collector = CollectorOf(store);
        for (; !ct.IsCancellationRequested; rounds++)
        {
            freed += (await collector.CollectAsync(default)).ChunksFreed;
            // Without a pause it would hold the index for itself.
            await Task.Delay(TimeSpan.FromMilliseconds(3), TimeProvider.System);
        }
        Assert.True(freed > 0);
        return string.Create(CultureInfo.InvariantCulture, $"{freed} records freed in {rounds}");
    }

    /// <summary>A version that is stored is read whole at any moment, unless it is forgotten meanwhile.</summary>
    private async Task<int> ReadAsync(PackStore store, int seed, CancellationToken ct)
    {
        var random = new Random(seed ^ 0x5555);
        var reads = 0;
        while (!ct.IsCancellationRequested)
        {
            var all = stored.ToArray();
            if (all.Length == 0)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System);
                continue;
            }
            var (version, seeds) = all[random.Next(all.Length)];
            var places = store.Locate(Alice, RecordKind.Chunk, [.. seeds.Select(s => IdOf(s, ChunkBytes))]);
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System);
            for (var i = 0; i < seeds.Length; i++)
            {
                using var record = await store.ReadAsync(places[i], default);
                if (stored.ContainsKey(version))
                    Assert.Equal(IdOf(seeds[i], ChunkBytes), record?.Header.Id);
                reads++;
            }
        }
        return reads;
    }
}
