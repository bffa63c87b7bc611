using Backup.Protocol;
using Backup.Storage.Packs;
using CsCheck;
using static Backup.Tests.Packs.StoreFolder;

namespace Backup.Tests.Packs;

/// <summary>What the store promises while nothing goes wrong.</summary>
public sealed class PackStoreTests : IDisposable
{
    private readonly StoreFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task What_was_committed_is_read_back_before_and_after_reopening()
    {
        int[] sizes = [0, 1, 111, 4096, 300_000, Limits.PayloadBytesMax];
        await using (var store = await folder.OpenAsync())
        {
            Assert.Equal(sizes.Length, await StoreAsync(store, [.. sizes.Select((size, i) => Chunk(i, size))]));
            foreach (var (i, size) in sizes.Index())
                await AssertHeldAsync(store, i, size);
        }
        await using (var store = await folder.OpenAsync())
        {
            foreach (var (i, size) in sizes.Index())
                await AssertHeldAsync(store, i, size);
            Assert.Empty(store.Damage);
        }
    }

    [Fact]
    public async Task Random_records_in_random_batches_survive_reopening_and_rebuilding() =>
        await Gen.Select(Gen.Int[0, 40], Gen.Int[0, 5000]).List[1, 30].List[1, 6].SampleAsync(async batches =>
        {
            using var folder = new StoreFolder();
            await using (var store = await folder.OpenAsync(packBytesMax: 20_000))
            {
                foreach (var batch in batches)
                    await StoreAsync(store, [.. batch.Select(chunk => Chunk(chunk.Item1, chunk.Item2))]);
            }
            foreach (var isRebuilt in (bool[])[false, true])
            {
                if (isRebuilt)
                    folder.DeleteIndex();
                await using var store = await folder.OpenAsync(packBytesMax: 20_000);
                foreach (var (seed, size) in batches.SelectMany(b => b))
                    await AssertHeldAsync(store, seed, size);
                Assert.Empty(store.Damage);
            }
        }, iter: 20, threads: 1);

    [Fact]
    public async Task A_record_is_stored_once_for_each_client_and_kind()
    {
        await using var store = await folder.OpenAsync();
        Assert.Equal(1, await StoreAsync(store, Chunk(1, 100), Chunk(1, 100)));
        Assert.Equal(0, await StoreAsync(store, Chunk(1, 100)));
        Assert.Equal(1, await StoreAsync(store, Chunk(1, 100, Bob)));
        Assert.Equal(1, await StoreAsync(store, Record.Of(RecordKind.List, Alice, Content(1, 100))));
        Assert.Null(await store.ReadAsync(Bob, RecordKind.List, IdOf(1, 100), default));
    }

    [Fact]
    public async Task Missing_names_what_this_client_lacks()
    {
        await using var store = await folder.OpenAsync();
        await StoreAsync(store, Chunk(0, 10), Chunk(2, 10), Chunk(4, 10));
        ChunkId[] asked = [.. Enumerable.Range(0, 6).Select(i => IdOf(i, 10))];
        Assert.Equal([1, 3, 5], store.Missing(Alice, asked));
        Assert.Equal([0, 1, 2, 3, 4, 5], store.Missing(Bob, asked));
        Assert.Empty(store.Missing(Alice, []));
    }

    [Fact]
    public async Task An_abandoned_batch_leaves_nothing_visible()
    {
        await using (var store = await folder.OpenAsync())
        {
            using (var batch = store.Begin(Alice))
            {
                using var chunk = Chunk(1, 100);
                Assert.True(await batch.AppendAsync(chunk, default));
                Assert.True(batch.Has(RecordKind.Chunk, chunk.Header.Id));
                Assert.Equal([0], store.Missing(Alice, [chunk.Header.Id]));
            }
            await StoreAsync(store, Chunk(2, 100));
            Assert.Equal([0], store.Missing(Alice, [IdOf(1, 100)]));
        }
        await using (var store = await folder.OpenAsync())
            Assert.Equal([0], store.Missing(Alice, [IdOf(1, 100)]));
    }

    [Fact]
    public async Task Writers_append_at_once_across_many_packs()
    {
        const int Writers = 8, Batches = 12, Chunks = 5;
        await using (var store = await folder.OpenAsync(packBytesMax: 100_000))
        {
            await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
            {
                for (var batch = 0; batch < Batches; batch++)
                    await StoreAsync(store, [.. Enumerable.Range(0, Chunks).Select(i => Chunk(Seed(writer, batch, i), 1000 + 997 * i))]);
            })));
        }
        folder.DeleteIndex();
        await using (var store = await folder.OpenAsync(packBytesMax: 100_000))
        {
            Assert.True(folder.Packs().Length > 5);
            Assert.All(folder.Packs(), pack => Assert.True(new FileInfo(pack).Length <= 100_000));
            Assert.Empty(store.Damage);
            for (var seed = 0; seed < Writers * Batches * Chunks; seed++)
                await AssertHeldAsync(store, seed, 1000 + 997 * (seed % Chunks));
        }

        static int Seed(int writer, int batch, int i) => (writer * Batches + batch) * Chunks + i;
    }

    [Fact]
    public async Task A_reopened_store_goes_on_with_its_last_pack()
    {
        for (var i = 0; i < 3; i++)
        {
            await using var store = await folder.OpenAsync();
            await StoreAsync(store, Chunk(i, 1000));
        }
        Assert.Single(folder.Packs());
    }

    [Fact]
    public async Task Manifests_are_found_by_version_compressed_or_not()
    {
        var content = Content(1, 100);
        var manifest = FileOf("a/b", 7, content);
        var large = FileOf("c", 8, [.. Enumerable.Repeat(content, 1000)]);
        using var codec = new RecordCodec();
        var compressed = codec.Compress(RecordOf(large));
        Assert.Equal(RecordEncoding.Zstd, compressed.Header.Encoding);
        await using (var store = await folder.OpenAsync())
            await StoreAsync(store, Chunk(1, 100), RecordOf(manifest), compressed);
        foreach (var isRebuilt in (bool[])[false, true])
        {
            if (isRebuilt)
                folder.DeleteIndex();
            await using var store = await folder.OpenAsync();
            using var found = await store.ReadManifestAsync(Alice, 7, default);
            Assert.Equal(manifest.Encode(), found!.Payload.ToArray());
            using var other = await store.ReadManifestAsync(Alice, 8, default);
            Assert.Equal(large.Encode(), codec.Open(other!, "test").ToArray());
            Assert.Null(await store.ReadManifestAsync(Alice, 9, default));
            Assert.Null(await store.ReadManifestAsync(Bob, 7, default));
        }
    }

    [Fact]
    public async Task A_version_has_one_content_for_ever()
    {
        await using var store = await folder.OpenAsync();
        Assert.Equal(1, await StoreAsync(store, RecordOf(FileOf("a", 7, Content(1, 10)))));
        Assert.Equal(0, await StoreAsync(store, RecordOf(FileOf("a", 7, Content(1, 10)))));
        var stored = await FailsAsync(() => StoreAsync(store, RecordOf(FileOf("a", 7, Content(2, 10)))));
        Assert.Equal(FailureCode.InvalidRequest, stored.Code);

        // Other nodes are no other content: a file that is placed anew under way is sent again under its version.
        var moved = FileOf("a", 7, Content(1, 10));
        Assert.Equal(1, await StoreAsync(store, RecordOf(moved with { Head = moved.Head with { Nodes = [NodeId.Parse("node-7")], Epoch = 9 } })));

        // While neither is stored yet the second is told to wait before it is written.
        using var first = store.Begin(Alice);
        using (var record = RecordOf(FileOf("a", 8, Content(1, 10))))
            await first.AppendAsync(record, default);
        var open = await FailsAsync(() => StoreAsync(store, RecordOf(FileOf("a", 8, Content(2, 10)))));
        Assert.Equal(FailureCode.Busy, open.Code);
        first.Dispose();
        Assert.Equal(1, await StoreAsync(store, RecordOf(FileOf("a", 8, Content(2, 10)))));
    }

    [Fact]
    public async Task Records_of_another_client_or_of_no_stored_kind_are_refused()
    {
        await using var store = await folder.OpenAsync();
        using var batch = store.Begin(Alice);
        using var foreign = Chunk(1, 10, Bob);
        Assert.Equal(FailureCode.InvalidRequest, (await FailsAsync(() => batch.AppendAsync(foreign, default).AsTask())).Code);
        using var failure = Record.Of(Failure.InvalidRequest("x"), Alice);
        Assert.Equal(FailureCode.InvalidRequest, (await FailsAsync(() => batch.AppendAsync(failure, default).AsTask())).Code);
        using var noManifest = Record.Of(RecordKind.Manifest, Alice, Content(1, 100));
        Assert.Equal(FailureCode.InvalidRequest, (await FailsAsync(() => batch.AppendAsync(noManifest, default).AsTask())).Code);
        Assert.Throws<InvalidOperationException>(() => { _ = batch.CommitAsync(default); });
    }

    [Fact]
    public async Task Located_records_are_read_in_the_order_asked()
    {
        await using var store = await folder.OpenAsync();
        await StoreAsync(store, [.. Enumerable.Range(0, 20).Select(i => Chunk(i, 100))]);
        ChunkId[] ids = [.. Enumerable.Range(0, 21).Reverse().Select(i => IdOf(i, 100))];
        var places = store.Locate(Alice, RecordKind.Chunk, ids);
        Assert.False(places[0].IsHeld);
        Assert.Null(await store.ReadAsync(places[0], default));
        for (var i = 1; i < ids.Length; i++)
        {
            using var record = await store.ReadAsync(places[i], default);
            Assert.Equal(ids[i], record!.Header.Id);
        }
    }

    [Fact]
    public async Task Of_a_version_stored_again_as_at_first_the_last_place_counts_when_the_index_is_made_anew()
    {
        var first = FileOf("a", 7, Content(1, 10));
        var moved = first with { Head = first.Head with { Nodes = [NodeId.Parse("node-7")] } };
        await using (var store = await folder.OpenAsync())
        {
            await StoreAsync(store, Chunk(1, 10));
            foreach (var manifest in new[] { first, moved, first })
                Assert.Equal(1, await StoreAsync(store, RecordOf(manifest)));
        }
        folder.DeleteIndex();
        await using (var store = await folder.OpenAsync())
        {
            using var record = await store.ReadManifestAsync(Alice, 7, default);
            Assert.NotNull(record);
            Assert.Equal(first.Head.Nodes, Manifest.Decode(record.Payload.Span, "test").Head.Nodes);
        }
    }

    [Fact]
    public async Task Space_counts_what_is_stored_and_keeps_the_reserve()
    {
        await using var store = await folder.OpenAsync();
        await StoreAsync(store, Chunk(1, 100_000));
        var space = store.Space();
        Assert.InRange(space.StoredBytes, 100_000, 110_000);
        Assert.InRange(space.FreeBytes, 1, space.TotalBytes);
    }
}
