using Backup.Protocol;
using Backup.Storage.Packs;
using static Backup.Tests.Packs.StoreFolder;

namespace Backup.Tests.Packs;

/// <summary>One flipped bit in every class of byte: it is noticed, named and never served.</summary>
public sealed class FlipTests : IDisposable
{
    private const int Records = 5;
    private const int Bytes = 1000;
    private const int Victim = 2;
    private const int VictimAt = 128 + Victim * (112 + Bytes);
    private readonly StoreFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>The fields of a record header by their offsets (docs/formats.md), reserved bytes included, then its payload.</summary>
    public static TheoryData<int> PlacesInARecord() => [0, 3, 4, 5, 6, 7, 8, 11, 12, 15, 16, 31, 32, 63, 64, 95, 96, 103, 104, 111, 112, 600, 112 + Bytes - 1];

    [Theory, MemberData(nameof(PlacesInARecord))]
    public async Task In_a_record_that_is_read(int place)
    {
        await FillAsync();
        Flip(folder.Pack(1), VictimAt + place);
        await using (var store = await folder.OpenAsync())
        {
            await AssertOthersHeldAsync(store);
            await AssertVictimCorruptAsync(store);
        }
        // It stays known as damaged, and is healed by storing it again.
        await using (var store = await folder.OpenAsync())
        {
            await AssertVictimCorruptAsync(store);
            Assert.Equal(1, await StoreAsync(store, Chunk(Victim, Bytes)));
            await AssertHeldAsync(store, Victim, Bytes);
            Assert.Empty(store.Damage);
        }
    }

    [Theory, MemberData(nameof(PlacesInARecord))]
    public async Task In_a_record_while_the_index_is_rebuilt(int place)
    {
        await FillAsync();
        Flip(folder.Pack(1), VictimAt + place);
        folder.DeleteIndex();
        await using var store = await folder.OpenAsync();
        await AssertOthersHeldAsync(store);
        var damage = Assert.Single(store.Damage);
        Assert.Equal((1, VictimAt, 112L + Bytes), (damage.Pack, damage.Offset, damage.Bytes));
        Assert.True(damage.IsLoss);
        Assert.Equal([0], store.Missing(Alice, [IdOf(Victim, Bytes)]));
        if (place >= 112)
            await AssertVictimCorruptAsync(store);
        else
            Assert.Null(await store.ReadAsync(Alice, RecordKind.Chunk, IdOf(Victim, Bytes), default));
    }

    [Theory, InlineData(0), InlineData(50), InlineData(112 + 500)]
    public async Task In_a_sealed_pack(int place)
    {
        await FillAsync(packBytesMax: 128 + 32 + 5 * (112 + Bytes));
        Assert.Equal(2, folder.Packs().Length);
        Flip(folder.Pack(1), VictimAt + place);
        folder.DeleteIndex();
        await using var store = await folder.OpenAsync();
        await AssertOthersHeldAsync(store);
        // Of a sealed pack a rebuild reads the headers only; a bad payload is noticed when it is read.
        if (place >= 112)
            await AssertVictimCorruptAsync(store);
        Assert.Equal(VictimAt, Assert.Single(store.Damage).Offset);
        Assert.Equal([0], store.Missing(Alice, [IdOf(Victim, Bytes)]));
    }

    [Theory, InlineData(0), InlineData(8), InlineData(20), InlineData(31)]
    public async Task In_a_seal(int place)
    {
        var full = 128 + 32 + 5 * (112 + Bytes);
        await FillAsync(packBytesMax: full);
        Assert.Equal(full, new FileInfo(folder.Pack(1)).Length);
        Flip(folder.Pack(1), full - 32 + place);
        folder.DeleteIndex();
        await using var store = await folder.OpenAsync();
        await AssertOthersHeldAsync(store);
        await AssertHeldAsync(store, Victim, Bytes);
        Assert.Equal(full - 32, Assert.Single(store.Damage).Offset);
    }

    [Theory, InlineData(0), InlineData(4), InlineData(8), InlineData(16), InlineData(32), InlineData(100), InlineData(120)]
    public async Task In_the_header_of_a_pack(int place)
    {
        await FillAsync();
        Flip(folder.Pack(1), place);
        foreach (var isRebuilt in (bool[])[false, true])
        {
            if (isRebuilt)
                folder.DeleteIndex();
            await using var store = await folder.OpenAsync();
            await AssertOthersHeldAsync(store);
            Assert.Equal(DamageKind.PackHeader, Assert.Single(store.Damage).Kind);
            await StoreAsync(store, Chunk(99, 10));
        }
        Assert.Equal(2, folder.Packs().Length);
    }

    [Fact]
    public async Task In_any_byte_of_the_index()
    {
        await FillAsync();
        var index = await System.IO.File.ReadAllBytesAsync(folder.IndexPath);
        // A prime step visits every page's head, cells and rows; the full sweep takes minutes and was done once.
        for (var place = 0; place < index.Length; place += 61)
        {
            Flip(folder.IndexPath, place);
            await using (var store = await folder.OpenAsync())
            {
                for (var i = 0; i < Records; i++)
                    await AssertHeldAsync(store, i, Bytes);
                Assert.Empty(store.Missing(Alice, [.. Enumerable.Range(0, Records).Select(i => IdOf(i, Bytes))]));
            }
            foreach (var beside in Directory.GetFiles(folder.Path, "index.db-*"))
                System.IO.File.Delete(beside);
            await System.IO.File.WriteAllBytesAsync(folder.IndexPath, index);
        }
    }

    [Theory, InlineData("deleted"), InlineData("empty"), InlineData("half"), InlineData("noise"), InlineData("old")]
    public async Task An_index_that_is_no_index_is_made_anew(string how)
    {
        await FillAsync();
        var index = await System.IO.File.ReadAllBytesAsync(folder.IndexPath);
        switch (how)
        {
            case "deleted":
                folder.DeleteIndex();
                break;
            case "empty":
                await System.IO.File.WriteAllBytesAsync(folder.IndexPath, []);
                break;
            case "half":
                await System.IO.File.WriteAllBytesAsync(folder.IndexPath, index[..(index.Length / 2)]);
                break;
            case "noise":
                await System.IO.File.WriteAllBytesAsync(folder.IndexPath, Content(1, index.Length));
                break;
            case "old":
                // A copy from before the last records: its watermark tells where to go on.
                await using (var store = await folder.OpenAsync())
                    await StoreAsync(store, Chunk(77, Bytes));
                await System.IO.File.WriteAllBytesAsync(folder.IndexPath, index);
                break;
        }
        await using (var store = await folder.OpenAsync())
        {
            await AssertOthersHeldAsync(store);
            await AssertHeldAsync(store, Victim, Bytes);
            if (how == "old")
                await AssertHeldAsync(store, 77, Bytes);
            Assert.Empty(store.Damage);
        }
    }

    private async Task FillAsync(long packBytesMax = PackStoreOptions.PackBytesDefault)
    {
        await using var store = await folder.OpenAsync(packBytesMax);
        for (var i = 0; i < Records; i++)
            await StoreAsync(store, Chunk(i, Bytes));
        if (packBytesMax < PackStoreOptions.PackBytesDefault)
            await StoreAsync(store, Chunk(Records, Bytes));
    }

    private static async Task AssertOthersHeldAsync(PackStore store)
    {
        foreach (var i in Enumerable.Range(0, Records).Where(i => i != Victim))
            await AssertHeldAsync(store, i, Bytes);
    }

    private static async Task AssertVictimCorruptAsync(PackStore store)
    {
        var failure = await FailsAsync(() => store.ReadAsync(Alice, RecordKind.Chunk, IdOf(Victim, Bytes), default).AsTask());
        Assert.Equal((FailureCode.Corrupt, "node-1"), (failure.Code, failure.Culprit));
        var damage = Assert.Single(store.Damage);
        Assert.Equal((1, VictimAt, IdOf(Victim, Bytes)), (damage.Pack, damage.Offset, damage.Key!.Value.Id));
        Assert.Equal([0], store.Missing(Alice, [IdOf(Victim, Bytes)]));
    }
}
