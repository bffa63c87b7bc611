using Backup.Protocol;
using Backup.Storage.Packs;
using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.Logging.Abstractions;

namespace Backup.Benchmarks;

/// <summary>A node's store: segments of 16 MiB appended, each with its fsync and its rows, and chunks read back and checked.</summary>
public class PackBenchmarks
{
    private const int ChunksPerSegment = 16;

    private string directory = "";
    private PackStore store = null!;
    private RecordKey[] stored = [];
    private int seed;

    [GlobalSetup]
    public async Task SetupAsync()
    {
        directory = Directory.CreateTempSubdirectory("backup-bench-").FullName;
        store = await PackStore.OpenAsync(new PackStoreOptions { Directory = directory, NodeId = NodeId.Parse("bench"), ReserveBytes = 0 },
            NullLogger<PackStore>.Instance, TimeProvider.System, default);
        await AppendSegment();
    }

    [GlobalCleanup]
    public async Task CleanupAsync()
    {
        await store.DisposeAsync();
        Directory.Delete(directory, recursive: true);
    }

    [Benchmark]
    public async Task AppendSegment()
    {
        var keys = new List<RecordKey>();
        using var batch = store.Begin(ClientId.Guest);
        for (var i = 0; i < ChunksPerSegment; i++)
        {
            using var record = Record.Of(RecordKind.Chunk, ClientId.Guest, Sample.Bytes(1 << 20, ++seed));
            await batch.AppendAsync(record, default);
            keys.Add(RecordKey.Of(record.Header));
        }
        await batch.CommitAsync(default);
        stored = [.. keys];
    }

    [Benchmark]
    public async Task<long> ReadSegment()
    {
        long bytes = 0;
        foreach (var key in stored)
        {
            using var record = await store.ReadAsync(key.Client, key.Kind, key.Id, default);
            bytes += record!.Header.StoredBytes;
        }
        return bytes;
    }

    [Benchmark]
    public int AskWhichAreMissing() => store.Missing(ClientId.Guest, [.. stored.Select(key => key.Id)]).Length;
}
