using Backup.Protocol;
using Backup.Storage.Packs;
using Backup.Storage.Segments;
using static Backup.Tests.Packs.CollectionFolder;
using static Backup.Tests.Packs.StoreFolder;

namespace Backup.Tests.Packs;

/// <summary>What is forgotten goes, what is needed stays, and nothing goes before its time.</summary>
public sealed class CollectionTests : IDisposable
{
    private const int ChunkBytes = 10_000;
    private readonly StoreFolder folder = new();
    private readonly HandClock clock = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_forgotten_version_stays_forgotten_after_reopening_rebuilding_and_compacting()
    {
        await using (var store = await folder.OpenAsync())
        {
            await StoreFileAsync(store, 1, [1], ChunkBytes);
            await StoreFileAsync(store, 2, [2], ChunkBytes);
            Assert.Equal(1, await store.ForgetAsync(Alice, [1, 99, 1], default));
            Assert.Equal(0, await store.ForgetAsync(Alice, [1], default));
            Assert.Equal(0, await store.ForgetAsync(Bob, [2], default));
        }
        for (var round = 0; round < 4; round++)
        {
            if (round % 2 == 1)
                folder.DeleteIndex();
            await using var store = await folder.OpenAsync();
            Assert.Null(await store.ReadManifestAsync(Alice, 1, default));
            await AssertFileAsync(store, 2, [2], ChunkBytes);
            Assert.Empty(store.Damage);
            if (round == 1)
                await CollectorOf(store).CollectAsync(default);
        }
    }

    [Fact]
    public async Task A_version_stored_again_after_it_was_forgotten_survives_compaction_and_rebuilding()
    {
        await using (var store = await folder.OpenAsync(packBytesMax: 40_000))
        {
            await StoreFileAsync(store, 1, [1], ChunkBytes);
            await StoreFileAsync(store, 2, [2], ChunkBytes);
            await store.ForgetAsync(Alice, [1, 2], default);
            await StoreFileAsync(store, 1, [1], ChunkBytes);
            for (var version = 10; version < 14; version++)
                await StoreFileAsync(store, version, [version], ChunkBytes);
            await store.ForgetAsync(Alice, [10, 11], default);
            await CollectorOf(store).CollectAsync(default);
            await AssertFileAsync(store, 1, [1], ChunkBytes);
        }
        folder.DeleteIndex();
        await using (var store = await folder.OpenAsync(packBytesMax: 40_000))
        {
            await AssertFileAsync(store, 1, [1], ChunkBytes);
            foreach (var version in (long[])[2, 10, 11])
                Assert.Null(await store.ReadManifestAsync(Alice, version, default));
        }
    }

    [Fact]
    public async Task A_chunk_of_two_versions_stays_until_both_are_forgotten()
    {
        await using var store = await folder.OpenAsync();
        var collector = CollectorOf(store);
        await StoreFileAsync(store, 1, [1, 2], ChunkBytes);
        await StoreFileAsync(store, 2, [2, 3], ChunkBytes);
        await store.ForgetAsync(Alice, [1], default);
        Assert.Equal(1, (await collector.CollectAsync(default)).ChunksFreed);
        await AssertFileAsync(store, 2, [2, 3], ChunkBytes);
        Assert.Equal([0], store.Missing(Alice, [IdOf(1, ChunkBytes), IdOf(2, ChunkBytes)]));
        await store.ForgetAsync(Alice, [2], default);
        var reply = await collector.CollectAsync(default);
        Assert.Equal(2, reply.ChunksFreed);
        Assert.InRange(reply.StoredBytes, 0, 1000);
        Assert.Equal(folder.BytesOnDisk(), reply.StoredBytes);
    }

    [Fact]
    public async Task Lists_and_their_chunks_are_kept_and_freed_together()
    {
        await using var store = await folder.OpenAsync();
        var refs = new[] { 1, 2 }.Select(seed => new ChunkRef(IdOf(seed, ChunkBytes), ChunkBytes)).ToArray();
        var list = new byte[refs.Length * ChunkRef.LengthBytes];
        ChunkRef.Write(refs, list);
        var plain = FileOf("long", 1, Content(1, ChunkBytes), Content(2, ChunkBytes));
        var manifest = new Manifest(plain.Head with { HasLists = true }, [new ChunkRef(ChunkId.Of(list), list.Length)]);
        await StoreAsync(store, Chunk(1, ChunkBytes), Chunk(2, ChunkBytes), Chunk(3, ChunkBytes), Record.Of(RecordKind.List, Alice, list), RecordOf(manifest));
        var collector = CollectorOf(store);
        Assert.Equal(1, (await collector.CollectAsync(default)).ChunksFreed);
        await AssertHeldAsync(store, 1, ChunkBytes);
        await AssertHeldAsync(store, 2, ChunkBytes);
        Assert.NotNull(await store.ReadAsync(Alice, RecordKind.List, ChunkId.Of(list), default));
        await store.ForgetAsync(Alice, [1], default);
        Assert.Equal(3, (await collector.CollectAsync(default)).ChunksFreed);
    }

    [Fact]
    public async Task What_is_dead_is_served_until_the_grace_time_is_over_and_notes_survive_reopening()
    {
        var grace = TimeSpan.FromHours(24);
        await using (var store = await folder.OpenAsync())
        {
            await StoreFileAsync(store, 1, [1], ChunkBytes);
            await store.ForgetAsync(Alice, [1], default);
            Assert.Equal(0, (await CollectorOf(store, grace, clock).CollectAsync(default)).ChunksFreed);
        }
        await using (var store = await folder.OpenAsync())
        {
            var collector = CollectorOf(store, grace, clock);
            clock.Now += grace - TimeSpan.FromMinutes(1);
            Assert.Equal(0, (await collector.CollectAsync(default)).ChunksFreed);
            await AssertHeldAsync(store, 1, ChunkBytes);
            clock.Now += TimeSpan.FromMinutes(1);
            Assert.Equal(1, (await collector.CollectAsync(default)).ChunksFreed);
            Assert.Equal([0], store.Missing(Alice, [IdOf(1, ChunkBytes)]));
        }
    }

    [Theory, InlineData("missing"), InlineData("has"), InlineData("lacking"), InlineData("append"), InlineData("manifest")]
    public async Task Whoever_relies_on_a_dead_chunk_makes_it_live_again(string how)
    {
        var grace = TimeSpan.FromHours(24);
        await using var store = await folder.OpenAsync();
        var collector = CollectorOf(store, grace, clock);
        await StoreFileAsync(store, 1, [1], ChunkBytes);
        await store.ForgetAsync(Alice, [1], default);
        Assert.Equal(1, (await collector.SweepAsync(Alice, default)).Noted);
        clock.Now += grace;
        switch (how)
        {
            case "missing":
                Assert.Empty(store.Missing(Alice, [IdOf(1, ChunkBytes)]));
                break;
            case "has":
                using (var batch = store.Begin(Alice))
                    Assert.True(batch.Has(RecordKind.Chunk, IdOf(1, ChunkBytes)));
                break;
            case "lacking":
                using (var batch = store.Begin(Alice))
                    Assert.Null(batch.Lacking(RecordKind.Chunk, [IdOf(1, ChunkBytes)]));
                break;
            case "append":
                Assert.Equal(0, await StoreAsync(store, Chunk(1, ChunkBytes)));
                break;
            case "manifest":
                await StoreAsync(store, RecordOf(FileOf("b", 2, Content(1, ChunkBytes))));
                break;
        }
        Assert.Equal(0, (await collector.SweepAsync(Alice, default)).Removed);
        await AssertHeldAsync(store, 1, ChunkBytes);
        clock.Now += grace;
        Assert.Equal(how == "manifest" ? 0 : 1, (await collector.SweepAsync(Alice, default)).Removed);
    }

    [Fact]
    public async Task An_open_batch_keeps_what_it_has_found_although_it_is_noted_and_swept_meanwhile()
    {
        await using var store = await folder.OpenAsync();
        var collector = CollectorOf(store);
        await StoreAsync(store, Chunk(1, ChunkBytes));
        using (var batch = store.Begin(Alice))
        {
            Assert.True(batch.Has(RecordKind.Chunk, IdOf(1, ChunkBytes)));
            for (var i = 0; i < 3; i++)
                Assert.Equal(0, (await collector.SweepAsync(Alice, default)).Removed);
            using var manifest = RecordOf(FileOf("a", 1, Content(1, ChunkBytes)));
            await batch.AppendAsync(manifest, default);
            await batch.CommitAsync(default);
        }
        Assert.Equal(0, (await collector.CollectAsync(default)).ChunksFreed);
        await AssertFileAsync(store, 1, [1], ChunkBytes);
    }

    [Fact]
    public async Task A_damaged_manifest_stops_the_sweep_of_its_client_and_of_no_other()
    {
        await using (var store = await folder.OpenAsync())
        {
            await StoreFileAsync(store, 1, [1], ChunkBytes);
            await StoreAsync(store, Chunk(5, ChunkBytes, Bob));
        }
        var pack = await File.ReadAllBytesAsync(folder.Pack(1));
        pack[128 + 112 + ChunkBytes + 112 + 20] ^= 1;
        await File.WriteAllBytesAsync(folder.Pack(1), pack);
        await using (var store = await folder.OpenAsync())
        {
            var collector = CollectorOf(store);
            Assert.Equal(1, (await collector.CollectAsync(default)).ChunksFreed);
            Assert.False((await collector.SweepAsync(Alice, default)).IsComplete);
            await AssertHeldAsync(store, 1, ChunkBytes);
            // Forgetting it lets the sweep go on.
            Assert.Equal(1, await store.ForgetAsync(Alice, [1], default));
            Assert.Equal(1, (await collector.CollectAsync(default)).ChunksFreed);
        }
    }

    [Fact]
    public async Task A_segment_holds_no_forget_record()
    {
        await using var store = await folder.OpenAsync();
        await StoreFileAsync(store, 1, [1], ChunkBytes);
        using var forget = Record.Of(RecordKind.Forget, Alice, """{"versions":[1]}"""u8);
        using var body = new MemoryStream(forget.Bytes.ToArray());
        var failure = await FailsAsync(() => new SegmentReceiver(store, new Backup.Storage.Membership.Peers(Node, catalogue: null!)).ReceiveAsync(Alice, [Node], body, _ => ValueTask.CompletedTask, default));
        Assert.Equal(FailureCode.InvalidRequest, failure.Code);
        await AssertFileAsync(store, 1, [1], ChunkBytes);
    }
}
