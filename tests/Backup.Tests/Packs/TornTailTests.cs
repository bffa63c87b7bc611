using Backup.Protocol;
using Backup.Storage.Packs;
using static Backup.Tests.Packs.StoreFolder;

namespace Backup.Tests.Packs;

/// <summary>Packs whose end was lost, at every record boundary, a byte before it and a byte after it, with and without an index.</summary>
public sealed class TornTailTests : IDisposable
{
    private const int Records = 6;
    private readonly StoreFolder folder = new();

    public void Dispose() => folder.Dispose();

    public static TheoryData<int, int, bool> Cuts()
    {
        var cuts = new TheoryData<int, int, bool>();
        foreach (var record in Enumerable.Range(0, Records + 1))
        {
            foreach (var delta in (int[])[-1, 0, 1, 57])
            {
                cuts.Add(record, delta, false);
                cuts.Add(record, delta, true);
            }
        }
        return cuts;
    }

    [Theory, MemberData(nameof(Cuts))]
    public async Task A_shorter_pack_serves_its_whole_records_and_names_the_lost(int boundary, int delta, bool isIndexLost)
    {
        var ends = await FillAsync();
        var length = Math.Min(ends[boundary] + delta, ends[^1]);
        using (var pack = System.IO.File.OpenHandle(folder.Pack(1), FileMode.Open, FileAccess.ReadWrite))
            RandomAccess.SetLength(pack, length);
        if (isIndexLost)
            folder.DeleteIndex();

        await using (var store = await folder.OpenAsync())
        {
            await AssertServesUpToAsync(store, ends, length, isIndexLost);
            // What was lost can be stored again, in a pack of its own, and is no damage any more.
            await StoreAsync(store, [.. Enumerable.Range(0, Records).Select(i => Chunk(i, Size(i)))]);
            Assert.DoesNotContain(store.Damage, damage => damage.Key is not null && damage.IsLoss);
        }
        await using (var store = await folder.OpenAsync())
        {
            for (var i = 0; i < Records; i++)
                await AssertHeldAsync(store, i, Size(i));
        }
        Assert.Equal(length, new FileInfo(folder.Pack(1)).Length);
    }

    [Theory, InlineData(1), InlineData(111), InlineData(112), InlineData(113), InlineData(4000)]
    public async Task Bytes_of_a_write_cut_short_are_no_loss_and_are_not_appended_to(int written)
    {
        await FillAsync();
        using (var record = Chunk(99, 5000))
        using (var pack = System.IO.File.OpenHandle(folder.Pack(1), FileMode.Open, FileAccess.ReadWrite))
            RandomAccess.Write(pack, record.Bytes.Span[..written], RandomAccess.GetLength(pack));

        await using var store = await folder.OpenAsync();
        for (var i = 0; i < Records; i++)
            await AssertHeldAsync(store, i, Size(i));
        Assert.Null(await store.ReadAsync(Alice, RecordKind.Chunk, IdOf(99, 5000), default));
        Assert.Equal(DamageKind.Unfinished, Assert.Single(store.Damage).Kind);
        await StoreAsync(store, Chunk(99, 5000));
        await AssertHeldAsync(store, 99, 5000);
        Assert.Equal(2, folder.Packs().Length);
    }

    [Fact]
    public async Task Whole_records_beyond_the_watermark_are_replayed()
    {
        await FillAsync();
        using (var record = Chunk(99, 5000))
        using (var pack = System.IO.File.OpenHandle(folder.Pack(1), FileMode.Open, FileAccess.ReadWrite))
        {
            // A gap that was reserved and never written, then a whole record, as two writers leave it that are killed.
            RandomAccess.Write(pack, record.Bytes.Span, RandomAccess.GetLength(pack) + 700);
        }
        await using var store = await folder.OpenAsync();
        await AssertHeldAsync(store, 99, 5000);
        var gap = Assert.Single(store.Damage);
        Assert.Equal((DamageKind.Unfinished, 700L), (gap.Kind, gap.Bytes));
    }

    [Fact]
    public async Task A_vanished_pack_is_named_record_by_record_and_heals_when_it_comes_back()
    {
        await FillAsync();
        var aside = folder.Pack(1) + ".aside";
        System.IO.File.Move(folder.Pack(1), aside);
        await using (var store = await folder.OpenAsync())
        {
            Assert.Equal(Records + 1, store.Damage.Count(damage => damage.Kind == DamageKind.Vanished));
            Assert.Equal(Records, store.Damage.Count(damage => damage.Key is not null));
            Assert.Equal(FailureCode.Corrupt, (await FailsAsync(() => store.ReadAsync(Alice, RecordKind.Chunk, IdOf(0, Size(0)), default).AsTask())).Code);
            Assert.Equal([0], store.Missing(Alice, [IdOf(0, Size(0))]));
            await StoreAsync(store, Chunk(50, 100));
            Assert.Equal(folder.Pack(2), Assert.Single(folder.Packs()));
        }
        System.IO.File.Move(aside, folder.Pack(1));
        await using (var store = await folder.OpenAsync())
        {
            for (var i = 0; i < Records; i++)
                await AssertHeldAsync(store, i, Size(i));
            Assert.DoesNotContain(store.Damage, damage => damage.Key is not null);
        }
    }

    private static int Size(int i) => 200 + 100 * i;

    /// <summary>The ends of the records, the header's first.</summary>
    private async Task<long[]> FillAsync()
    {
        await using var store = await folder.OpenAsync();
        var ends = new List<long> { 128 };
        for (var i = 0; i < Records; i++)
        {
            await StoreAsync(store, Chunk(i, Size(i)));
            ends.Add(ends[^1] + RecordHeader.LengthBytes + Size(i));
        }
        return [.. ends];
    }

    private static async Task AssertServesUpToAsync(PackStore store, long[] ends, long length, bool isIndexLost)
    {
        for (var i = 0; i < Records; i++)
        {
            if (ends[i + 1] <= length)
            {
                await AssertHeldAsync(store, i, Size(i));
                continue;
            }
            Assert.Equal([0], store.Missing(Alice, [IdOf(i, Size(i))]));
            if (isIndexLost)
                Assert.Null(await store.ReadAsync(Alice, RecordKind.Chunk, IdOf(i, Size(i)), default));
            else
            {
                var failure = await FailsAsync(() => store.ReadAsync(Alice, RecordKind.Chunk, IdOf(i, Size(i)), default).AsTask());
                Assert.Equal(FailureCode.Corrupt, failure.Code);
                Assert.Contains(store.Damage, damage => damage.Kind == DamageKind.Vanished && damage.Key?.Id == IdOf(i, Size(i)) && damage.Offset == ends[i]);
            }
        }
    }
}
