using Backup.Protocol;
using Backup.Storage.Packs;
using static Backup.Tests.Packs.CollectionFolder;
using static Backup.Tests.Packs.StoreFolder;

namespace Backup.Tests.Packs;

/// <summary>Rewriting packs gives the disk back and loses nothing.</summary>
public sealed class CollectionCompactionTests : IDisposable
{
    private const int ChunkBytes = 50_000;
    private readonly StoreFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory, InlineData(PackStoreOptions.PackBytesDefault), InlineData(1_000_000)]
    public async Task After_half_is_deleted_and_collected_the_disk_holds_little_more_than_what_is_live(long packBytesMax)
    {
        const int Files = 200;
        await using (var store = await folder.OpenAsync(packBytesMax))
        {
            for (var version = 1; version <= Files; version++)
                await StoreFileAsync(store, version, [2 * version, 2 * version + 1], ChunkBytes);
            Assert.Equal(Files / 2, await store.ForgetAsync(Alice, [.. Enumerable.Range(1, Files / 2).Select(i => 2L * i)], default));
            var reply = await CollectorOf(store).CollectAsync(default);
            Assert.Equal(Files, reply.ChunksFreed);
            Assert.Equal(folder.BytesOnDisk(), reply.StoredBytes);
            await AssertAllAsync(store);
        }
        foreach (var isRebuilt in (bool[])[false, true])
        {
            if (isRebuilt)
                folder.DeleteIndex();
            await using var store = await folder.OpenAsync(packBytesMax);
            await AssertAllAsync(store);
        }

        async Task AssertAllAsync(PackStore store)
        {
            const long Live = Files * (long)ChunkBytes;
            Assert.InRange(folder.BytesOnDisk(), Live, Live * 11 / 10);
            Assert.Empty(store.Damage);
            for (var version = 1; version <= Files; version += 2)
                await AssertFileAsync(store, version, [2 * version, 2 * version + 1], ChunkBytes);
            for (var version = 2; version <= Files; version += 2)
                Assert.Null(await store.ReadManifestAsync(Alice, version, default));
        }
    }

    [Fact]
    public async Task What_was_located_before_its_pack_was_removed_is_read_at_its_new_place()
    {
        await using var store = await folder.OpenAsync(packBytesMax: 500_000);
        for (var version = 1; version <= 30; version++)
            await StoreFileAsync(store, version, [version], ChunkBytes);
        var places = store.Locate(Alice, RecordKind.Chunk, [.. Enumerable.Range(1, 30).Select(seed => IdOf(seed, ChunkBytes))]);
        await store.ForgetAsync(Alice, [.. Enumerable.Range(1, 15).Select(i => 2L * i)], default);
        await CollectorOf(store).CollectAsync(default);
        Assert.False(File.Exists(folder.Pack(1)));
        for (var seed = 1; seed <= 30; seed++)
        {
            using var record = await store.ReadAsync(places[seed - 1], default);
            Assert.Equal(seed % 2 == 1, record is not null);
        }
        Assert.Empty(store.Damage);
    }

    [Fact]
    public async Task A_damaged_record_is_named_and_not_copied()
    {
        await using (var store = await folder.OpenAsync())
            await StoreFileAsync(store, 1, [1, 2, 3], ChunkBytes);
        var bytes = await File.ReadAllBytesAsync(folder.Pack(1));
        bytes[128 + 112 + ChunkBytes + 112 + 1000] ^= 1;
        await File.WriteAllBytesAsync(folder.Pack(1), bytes);
        await using (var store = await folder.OpenAsync())
        {
            await StoreFileAsync(store, 2, [4], ChunkBytes);
            await store.ForgetAsync(Alice, [2], default);
            await CollectorOf(store).CollectAsync(default);
            Assert.False(File.Exists(folder.Pack(1)));
            var damage = Assert.Single(store.Damage);
            Assert.Equal((DamageKind.Payload, IdOf(2, ChunkBytes)), (damage.Kind, damage.Key!.Value.Id));
            Assert.Equal(FailureCode.Corrupt, (await FailsAsync(() => store.ReadAsync(Alice, RecordKind.Chunk, IdOf(2, ChunkBytes), default).AsTask())).Code);
            Assert.Equal([0], store.Missing(Alice, [IdOf(2, ChunkBytes)]));
            await AssertHeldAsync(store, 1, ChunkBytes);
            await AssertHeldAsync(store, 3, ChunkBytes);
            // Written anew it is whole again.
            await StoreAsync(store, Chunk(2, ChunkBytes));
            await AssertFileAsync(store, 1, [1, 2, 3], ChunkBytes);
            Assert.Empty(store.Damage);
        }
    }

    [Fact]
    public async Task Waste_of_refused_segments_is_freed_and_what_open_batches_appended_is_not_taken_for_waste()
    {
        await using var store = await folder.OpenAsync();
        for (var seed = 1; seed <= 10; seed++)
        {
            using var refused = store.Begin(Alice);
            using var chunk = Chunk(seed, ChunkBytes);
            await refused.AppendAsync(chunk, default);
        }
        using var open = store.Begin(Alice);
        using (var chunk = Chunk(100, ChunkBytes))
            await open.AppendAsync(chunk, default);
        using (var manifest = RecordOf(FileOf("a", 1, Content(100, ChunkBytes))))
            await open.AppendAsync(manifest, default);
        await StoreFileAsync(store, 2, [200], ChunkBytes);
        await CollectorOf(store).CollectAsync(default);
        await open.CommitAsync(default);
        await CollectorOf(store).CollectAsync(default);
        Assert.InRange(folder.BytesOnDisk(), 2 * ChunkBytes, 2 * ChunkBytes * 11 / 10);
        await AssertFileAsync(store, 1, [100], ChunkBytes);
        await AssertFileAsync(store, 2, [200], ChunkBytes);
    }
}
