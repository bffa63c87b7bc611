using Backup.Protocol;
using Backup.Storage.Packs;
using Backup.Storage.Scrub;
using static Backup.Tests.Packs.StoreFolder;

namespace Backup.Tests.Packs;

/// <summary>A scrub notices a flipped bit in every class of byte without anybody asking for the record, and says when it has looked.</summary>
public sealed class ScrubTests : IDisposable
{
    private const int Records = 5;
    private const int Bytes = 1000;
    private const int Victim = 2;
    private const int VictimAt = 128 + Victim * (112 + Bytes);
    private const long NowMs = 5_000_000_000_000;
    private readonly StoreFolder folder = new();
    private long nowMs = NowMs - 60_000;

    public void Dispose() => folder.Dispose();

    [Theory, MemberData(nameof(FlipTests.PlacesInARecord), MemberType = typeof(FlipTests))]
    public async Task A_flip_in_a_record_is_found(int place)
    {
        await using var store = await FilledAsync();
        Flip(folder.Pack(1), VictimAt + place);
        Assert.Equal(1, await ScrubAsync(store));
        Assert.Equal([0], store.Missing(Alice, [IdOf(Victim, Bytes)]));
        Assert.Equal(VictimAt, Assert.Single(store.Damage).Offset);
        for (var i = 0; i < Records; i++)
        {
            if (i != Victim)
                await AssertHeldAsync(store, i, Bytes);
        }
        // A second look finds nothing new, and storing it again heals it.
        Assert.Equal(0, await ScrubAsync(store));
        await StoreAsync(store, Chunk(Victim, Bytes));
        Assert.Equal(0, await ScrubAsync(store));
        Assert.Empty(store.Damage);
    }

    [Fact]
    public async Task A_pack_that_was_cut_short_or_deleted_is_found()
    {
        await using var store = await FilledAsync();
        using (var file = File.OpenHandle(folder.Pack(1), FileMode.Open, FileAccess.Write))
            RandomAccess.SetLength(file, VictimAt + 50);
        Assert.Equal(3, await ScrubAsync(store));
        Assert.Equal([0, 1, 2], store.Missing(Alice, [.. Enumerable.Range(Victim, 3).Select(i => IdOf(i, Bytes))]));
        await AssertHeldAsync(store, 0, Bytes);

        File.Delete(folder.Pack(1));
        await ScrubAsync(store);
        Assert.Equal([0, 1], store.Missing(Alice, [IdOf(0, Bytes), IdOf(1, Bytes)]));
        Assert.All(store.Damage, damage => Assert.True(damage.IsLoss));
    }

    [Fact]
    public async Task A_pack_that_cannot_be_opened_is_no_damage_and_the_others_are_read()
    {
        // Two records to a pack.
        await using var store = await folder.OpenAsync(128 + 2 * (112 + Bytes));
        for (var i = 0; i < Records; i++)
            await StoreAsync(store, Chunk(i, Bytes));
        // A folder under its name is what not even root can open.
        var away = folder.Pack(1) + ".away";
        File.Move(folder.Pack(1), away);
        Directory.CreateDirectory(folder.Pack(1));
        Flip(folder.Pack(2), 128 + 10);
        Assert.Equal(1, await ScrubAsync(store));
        Assert.Equal(2, Assert.Single(store.Damage).Pack);

        Directory.Delete(folder.Pack(1));
        File.Move(away, folder.Pack(1));
        await AssertHeldAsync(store, 0, Bytes);
        Flip(folder.Pack(1), 128 + 10);
        Assert.Equal(1, await ScrubAsync(store));
    }

    [Fact]
    public async Task A_flip_in_a_packs_header_is_noted_and_its_records_are_served()
    {
        await using var store = await FilledAsync();
        Flip(folder.Pack(1), 40);
        Assert.Equal(1, await ScrubAsync(store));
        Assert.Equal(DamageKind.PackHeader, Assert.Single(store.Damage).Kind);
        await AssertHeldAsync(store, Victim, Bytes);
    }

    [Fact]
    public async Task A_copy_was_verified_when_it_was_written_and_then_with_each_scrub()
    {
        var before = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        await using (var store = await folder.OpenAsync())
        {
            await StoreAsync(store, Chunk(1, Bytes), Chunk(2, Bytes), RecordOf(FileOf("a", 1, Content(1, Bytes), Content(2, Bytes))));
            var written = await StateAsync(store, 1);
            Assert.True(written is { Held: true, Damaged: false });
            Assert.InRange(written.VerifiedMs!.Value, before, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
            await ScrubAsync(store);
            Assert.Equal(new CopyState(1, true, false, NowMs), await StateAsync(store, 1));
        }
        // It is kept over a start; after the loss of the index, the time of writing counts again.
        await using (var store = await folder.OpenAsync())
            Assert.Equal(NowMs, (await StateAsync(store, 1)).VerifiedMs);
        folder.DeleteIndex();
        await using (var store = await folder.OpenAsync())
            Assert.InRange((await StateAsync(store, 1)).VerifiedMs!.Value, before - 1000, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
    }

    [Fact]
    public async Task A_copy_that_lacks_a_chunk_is_not_held()
    {
        await using var store = await folder.OpenAsync();
        await StoreAsync(store, Chunk(1, Bytes), Chunk(2, Bytes), RecordOf(FileOf("a", 1, Content(1, Bytes), Content(2, Bytes))));
        Flip(folder.Pack(1), 128 + 112 + 10);
        await ScrubAsync(store);
        Assert.Equal(new CopyState(1, Held: false, Damaged: true, null), await StateAsync(store, 1));
        Assert.Equal(new CopyState(9, Held: false, Damaged: false, null), await StateAsync(store, 9));
    }

    private static async Task<CopyState> StateAsync(PackStore store, long version) =>
        Assert.Single((await new CopyStates(store).ReadAsync(Alice, new CopiesRequest([version]), default)).Copies);

    private async Task<PackStore> FilledAsync()
    {
        var store = await folder.OpenAsync();
        await StoreAsync(store, [.. Enumerable.Range(0, Records).Select(i => Chunk(i, Bytes))]);
        return store;
    }

    /// <summary>Lets a worker take its steps until it has read every pack, at a time that stands still meanwhile.</summary>
    /// <returns>How many damaged places there are more than before.</returns>
    private async Task<int> ScrubAsync(PackStore store)
    {
        var before = store.Damage.Count;
        await Scrubbing.RunAsync(store, Scrubbing.Alone(store), nowMs += 60_000);
        return store.Damage.Count - before;
    }
}
