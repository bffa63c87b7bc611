using System.Collections.Concurrent;
using Backup.Protocol;
using Backup.Storage.Packs;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Win32.SafeHandles;
using static Backup.Tests.Packs.StoreFolder;

namespace Backup.Tests.Packs;

/// <summary>What a store lets go of in the system's cache: what is on the disk, and what a reader has left behind.</summary>
public sealed class CacheTests : IDisposable
{
    private const int Bytes = 100_000;
    private const long Stretch = 16 << 20;
    private readonly StoreFolder folder = new();
    private readonly NotingDisk disk = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task What_is_synced_is_let_go_of_in_whole_pages_and_once_more_with_the_next()
    {
        await using var store = await OpenAsync();
        for (var i = 0; i < 4; i++)
            await StoreAsync(store, Chunk(i, Bytes));
        long[] ends = [.. Enumerable.Range(1, 4).Select(i => PageOf(128 + (i * (112 + Bytes))))];
        Assert.Equal([(0, ends[0]), (0, ends[1]), (ends[0], ends[2]), (ends[1], ends[3])], disk.Forgotten);
    }

    [Fact]
    public async Task What_a_reader_of_a_pack_has_left_behind_is_let_go_of_by_stretches()
    {
        const int Count = (40 << 20) / Bytes;
        await using (var filled = await OpenAsync())
            await StoreAsync(filled, [.. Enumerable.Range(0, Count).Select(i => Chunk(i, Bytes))]);
        await using var store = await OpenAsync();
        for (var round = 0; round < 2; round++)
        {
            disk.Forgotten.Clear();
            for (var i = 0; i < Count; i++)
                await AssertHeldAsync(store, i, Bytes);
            // Once more within a stretch is no reason to let go again.
            await AssertHeldAsync(store, Count - 1, Bytes);
            Assert.Equal([(0, Stretch), (0, 2 * Stretch)], disk.Forgotten);
        }
    }

    private Task<PackStore> OpenAsync() => PackStore.OpenAsync(
        new PackStoreOptions { Directory = folder.Path, NodeId = Node, ReserveBytes = 0, Disk = disk }, NullLogger.Instance, TimeProvider.System, default);

    private static long PageOf(long offset) => offset - (offset % Environment.SystemPageSize);

    private sealed class NotingDisk : Disk
    {
        /// <summary>From where to where; 0 for the end where it was to be all.</summary>
        public ConcurrentQueue<(long From, long To)> Forgotten { get; } = [];

        public override void ForgetCached(SafeFileHandle file, long offset = 0, long bytes = 0)
        {
            Forgotten.Enqueue((offset, bytes == 0 ? 0 : offset + bytes));
            base.ForgetCached(file, offset, bytes);
        }
    }
}
