using Backup.FaultTests.Disks;
using Backup.Protocol;
using Backup.Storage.Collection;
using Backup.Storage.Packs;
using Microsoft.Extensions.Logging.Abstractions;

namespace Backup.FaultTests.Sweep;

/// <summary>
/// One node's store on a disk that may crash, and what it has promised: every version that it acknowledged and was not told to
/// forget is there, whole; none that it has forgotten comes back; of any other there is all or nothing.
/// </summary>
public sealed class SweptStore : IDisposable
{
    public static readonly NodeId Node = NodeId.Parse("node-1");
    public static readonly ClientId Alice = ClientId.Parse("00112233445566778899aabbccddeeff");

    private readonly TestDirectory folder = new();
    private readonly Dictionary<long, Manifest> acknowledged = [];
    private readonly HashSet<long> forgotten = [];
    private readonly HashSet<int> chunks = [];

    /// <param name="random">Decides what a crash leaves.</param>
    /// <param name="plant">Puts a worse disk in the place of the faulty one, to prove that this is noticed.</param>
    public SweptStore(Random random, Func<string, Random, FaultyDisk>? plant = null) =>
        Disk = plant is null ? new FaultyDisk(folder.Path, random) : plant(folder.Path, random);

    public FaultyDisk Disk { get; }

    public PackStore Store { get; private set; } = null!;

    /// <summary>A worse way to forget, to prove that it is noticed.</summary>
    public Func<PackStore, long[], Task>? Forget { get; set; }

    public long PackBytesMax { get; init; } = 64 << 10;

    public async Task OpenAsync() => Store = await PackStore.OpenAsync(
        new PackStoreOptions { Directory = folder.Path, NodeId = Node, PackBytesMax = PackBytesMax, ReserveBytes = 0, Disk = Disk },
        NullLogger.Instance, TimeProvider.System, default);

    public async Task CloseAsync()
    {
        if (Store is not null)
            await Store.DisposeAsync();
        Store = null!;
    }

    /// <summary>Stores a version of one file made of these chunks, each named by a seed, in one segment.</summary>
    public async Task StoreAsync(long version, params int[] seeds)
    {
        var manifest = FileOf(version, seeds);
        lock (acknowledged)
            forgotten.Remove(version);
        using var batch = Store.Begin(Alice);
        foreach (var seed in seeds)
            await AppendAsync(batch, Record.Of(RecordKind.Chunk, Alice, Content(seed)));
        await AppendAsync(batch, Record.Of(RecordKind.Manifest, Alice, manifest.Encode()));
        await batch.CommitAsync(default);
        Acknowledge(() =>
        {
            acknowledged[version] = manifest;
            chunks.UnionWith(seeds);
        });
    }

    /// <summary>Stores chunks that no version names yet.</summary>
    public async Task StoreChunksAsync(params int[] seeds)
    {
        using var batch = Store.Begin(Alice);
        foreach (var seed in seeds)
            await AppendAsync(batch, Record.Of(RecordKind.Chunk, Alice, Content(seed)));
        await batch.CommitAsync(default);
        Acknowledge(() => chunks.UnionWith(seeds));
    }

    /// <summary>Appends and gives up, as after a client's death.</summary>
    public async Task AbandonAsync(params int[] seeds)
    {
        using var batch = Store.Begin(Alice);
        foreach (var seed in seeds)
            await AppendAsync(batch, Record.Of(RecordKind.Chunk, Alice, Content(seed)));
    }

    public async Task ForgetAsync(params long[] versions)
    {
        // From the first moment it may be gone, from the acknowledgement on it must be.
        foreach (var version in versions)
            acknowledged.Remove(version);
        await (Forget?.Invoke(Store, versions) ?? Store.ForgetAsync(Alice, versions, default));
        Acknowledge(() => forgotten.UnionWith(versions));
    }

    /// <summary>Frees everything that no version names.</summary>
    public async Task CollectAsync()
    {
        chunks.Clear();
        using var collector = new Collector(Store, TimeSpan.Zero, TimeProvider.System, NullLogger<Collector>.Instance);
        await collector.CollectAsync(default);
    }

    /// <summary>Closes, leaves what the crash left, opens again.</summary>
    public async Task RecoverAsync()
    {
        await CloseAsync();
        Disk.Recover();
        await OpenAsync();
    }

    /// <returns>What is wrong, or null.</returns>
    public async Task<string?> CheckAsync(bool mayReportLoss)
    {
        foreach (var (version, manifest) in acknowledged)
        {
            using var held = await Store.ReadManifestAsync(Alice, version, default);
            if (held is null || held.Header.Id != ChunkId.Of(manifest.Encode()))
                return $"version {version} was acknowledged and its manifest is {(held is null ? "gone" : "another")}";
        }
        foreach (var version in forgotten)
        {
            using var held = await Store.ReadManifestAsync(Alice, version, default);
            if (held is not null)
                return $"version {version} was forgotten and is back";
        }
        foreach (var (version, id) in Store.Index.ManifestsAfter(Alice, 0, 10_000))
        {
            using var record = await Store.ReadAsync(Alice, RecordKind.Manifest, id, default);
            if (record is null)
                return $"the manifest of version {version} is indexed and not there";
            // Without the index it is not known which tail was acknowledged: there a part that is missing may be damage.
            if (mayReportLoss && !acknowledged.ContainsKey(version))
                continue;
            foreach (var part in Store.OpenManifest(record, "node-1").Refs)
            {
                if (await WrongChunkAsync(part.Id) is { } wrong)
                    return $"version {version} is half visible: {wrong}";
            }
        }
        foreach (var seed in chunks)
        {
            if (await WrongChunkAsync(ChunkId.Of(Content(seed))) is { } wrong)
                return $"acknowledged chunk of seed {seed}: {wrong}";
        }
        return !mayReportLoss && Store.Damage.FirstOrDefault(damage => damage.IsLoss) is { } loss ? $"reports a loss that is none: {loss}" : null;
    }

    public void Dispose()
    {
        CloseAsync().GetAwaiter().GetResult();
        folder.Dispose();
    }

    /// <summary>Sizes from a few bytes to several writes.</summary>
    private static byte[] Content(int seed) => ClusterTests.Payload.Bytes(seed, 40 + seed * 7919 % 9000);

    private static Manifest FileOf(long version, int[] seeds)
    {
        using var digest = new ContentDigest();
        var refs = seeds.Select(seed => new ChunkRef(ChunkId.Of(Content(seed)), Content(seed).Length)).ToArray();
        foreach (var part in refs)
            digest.Add(part.Id);
        return new Manifest(new ManifestHead
        {
            Path = RootedPath.Parse($"file-{version}"),
            Version = version,
            Kind = VersionKind.File,
            TimeMs = 1_700_000_000_000 + version,
            SizeBytes = refs.Sum(part => (long)part.PlainBytes),
            Digest = digest.Finish(),
            MtimeNs = 0,
            Mode = 0,
            Nodes = [Node],
            Epoch = 1,
        }, refs);
    }

    private static async Task AppendAsync(PackBatch batch, Record record)
    {
        using (record)
            await batch.AppendAsync(record, default);
    }

    /// <summary>What a machine says after it has crashed, nobody hears.</summary>
    private void Acknowledge(Action note)
    {
        lock (acknowledged)
        {
            if (!Disk.HasCrashed)
                note();
        }
    }

    private async Task<string?> WrongChunkAsync(ChunkId id)
    {
        try
        {
            using var record = await Store.ReadAsync(Alice, RecordKind.Chunk, id, default);
            return record is null ? $"{id} is gone" : record.DigestMatches() ? null : $"{id} has other bytes";
        }
        catch (FailureException e)
        {
            return e.Failure.Message;
        }
    }
}
