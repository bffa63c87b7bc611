using Backup.FaultTests.Disks;
using Xunit.Abstractions;

namespace Backup.FaultTests.Sweep;

public class CrashSweepTests(ITestOutputHelper output)
{
    private static readonly SweepWorkload[] All =
    [
        new("first start and first segment", Nothing, async s =>
        {
            await s.OpenAsync();
            await s.StoreAsync(1, 1, 2, 3);
        }),
        new("segments of chunks, then a manifest", Opened, async s =>
        {
            await s.StoreChunksAsync(1, 2);
            await s.StoreChunksAsync(3);
            await s.StoreAsync(1, 1, 2, 3, 4);
            await s.StoreAsync(2, 2, 4);
        }),
        new("second pack", Opened, async s =>
        {
            for (var version = 1; version <= 8; version++)
                await s.StoreAsync(version, version * 10, version * 10 + 1, version * 10 + 2, version * 10 + 3);
        }),
        new("group commit of several batches", Opened, async s =>
        {
            await Task.WhenAll(Enumerable.Range(1, 6).Select(version => s.StoreAsync(version, version * 3, version * 3 + 1)));
            await Task.WhenAll(Enumerable.Range(7, 6).Select(version => s.StoreAsync(version, version * 3, version * 3 + 1)));
        }),
        new("abandoned batches", Stored, async s =>
        {
            await s.AbandonAsync(51, 52);
            await s.StoreAsync(20, 53, 54);
            await s.AbandonAsync(55, 56, 57);
            await s.StoreAsync(21, 58, 1);
        }),
        new("forget and store again", Stored, async s =>
        {
            await s.ForgetAsync(2, 3);
            await s.StoreAsync(3, 60, 61);
            await s.ForgetAsync(4);
        }),
        new("collection", Stored, async s =>
        {
            await s.ForgetAsync(1, 2, 3);
            await s.CollectAsync();
            await s.StoreAsync(20, 1, 2);
        }),
        new("compaction of many packs, and again", SeveralPacks, async s =>
        {
            await s.ForgetAsync(2, 4, 6);
            await s.CollectAsync();
            await s.ForgetAsync(1);
            await s.CollectAsync();
        }),
        new("sealing and starting again", Stored, async s =>
        {
            await s.CloseAsync();
            await s.OpenAsync();
            await s.StoreAsync(20, 70, 71);
            await s.CloseAsync();
            await s.OpenAsync();
        }),
        new("recovery after a loss of power", s => CrashedAsync(s, CrashMode.Torn, IndexFate.Deleted), async s =>
        {
            await s.OpenAsync();
            await s.StoreAsync(20, 70, 1);
        }, MayReportLoss: true),
        new("recovery after a kill", s => CrashedAsync(s, CrashMode.Kept, IndexFate.Kept), async s =>
        {
            await s.OpenAsync();
            await s.StoreAsync(20, 51, 52, 53);
        }),
        new("a failed sync", Stored, async s =>
        {
            s.Disk.FailingSyncs = 1;
            await Assert.ThrowsAsync<Protocol.FailureException>(() => s.StoreAsync(30, 80, 81));
            await s.StoreAsync(31, 82, 80);
        }, MayReportLoss: true),
    ];

    public static TheoryData<string> Names => [.. All.Select(workload => workload.Name)];

    internal static SweepWorkload Named(string name) => All.Single(workload => workload.Name == name);

    [Theory, MemberData(nameof(Names))]
    public async Task A_crash_at_any_call_loses_nothing_acknowledged_and_shows_nothing_half(string name)
    {
        var (crashes, violation) = await CrashSweep.RunAsync(Named(name));
        output.WriteLine($"{name}: {crashes} crashes");
        Assert.True(violation is null, violation);
        Assert.True(crashes > 10, $"Only {crashes} crashes: the workload no longer does what its name says.");
    }

    private static Task Nothing(SweptStore store) => Task.CompletedTask;

    private static Task Opened(SweptStore store) => store.OpenAsync();

    private static async Task Stored(SweptStore store)
    {
        await store.OpenAsync();
        for (var version = 1; version <= 4; version++)
            await store.StoreAsync(version, version, version + 1, version + 2);
    }

    private static async Task SeveralPacks(SweptStore store)
    {
        await store.OpenAsync();
        for (var version = 1; version <= 8; version++)
            await store.StoreAsync(version, version * 10, version * 10 + 1, version * 10 + 2, version * 10 + 3, 5);
    }

    private static async Task CrashedAsync(SweptStore store, CrashMode mode, IndexFate fate)
    {
        await Stored(store);
        await store.StoreChunksAsync(51);
        await store.AbandonAsync(52, 53);
        store.Disk.CrashNow(mode, fate);
        await store.CloseAsync();
        store.Disk.Recover();
    }
}
