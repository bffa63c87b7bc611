using Backup.Protocol;
using Backup.Storage.Collection;
using Backup.Storage.Packs;
using Microsoft.Extensions.Logging.Abstractions;
using static Backup.Tests.Packs.StoreFolder;

namespace Backup.Tests.Packs;

/// <summary>A clock that is set by hand.</summary>
internal sealed class HandClock : TimeProvider
{
    public DateTimeOffset Now { get; set; } = DateTimeOffset.UnixEpoch.AddYears(56);

    public override DateTimeOffset GetUtcNow() => Now;
}

/// <summary>Files made of seeded chunks, stored as an upload stores them, and what is expected of them.</summary>
internal static class CollectionFolder
{
    public static Collector CollectorOf(PackStore store, TimeSpan? grace = null, TimeProvider? time = null) =>
        new(store, grace ?? TimeSpan.Zero, time ?? TimeProvider.System, NullLogger<Collector>.Instance);

    /// <summary>Stores a file of these chunks; those that are held are not written again.</summary>
    public static Task StoreFileAsync(PackStore store, long version, int[] seeds, int chunkBytes) => StoreAsync(store,
        [.. seeds.Select(seed => Chunk(seed, chunkBytes)), RecordOf(FileOf($"file-{version}", version, [.. seeds.Select(seed => Content(seed, chunkBytes))]))]);

    /// <summary>Reads a version back through its manifest and compares every byte.</summary>
    public static async Task AssertFileAsync(PackStore store, long version, int[] seeds, int chunkBytes)
    {
        using var record = await store.ReadManifestAsync(Alice, version, default);
        Assert.NotNull(record);
        var manifest = Manifest.Decode(record.Payload.Span, "test");
        Assert.Equal(seeds.Select(seed => IdOf(seed, chunkBytes)), manifest.Refs.Select(r => r.Id));
        foreach (var seed in seeds)
            await AssertHeldAsync(store, seed, chunkBytes);
    }

    public static long BytesOnDisk(this StoreFolder folder) => folder.Packs().Sum(pack => new FileInfo(pack).Length);
}
