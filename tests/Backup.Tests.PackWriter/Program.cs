using Backup.Protocol;
using Backup.Storage.Collection;
using Backup.Storage.Packs;
using Backup.Tests.PackWriter;
using Microsoft.Extensions.Logging.Abstractions;

// A process of its own for the tests of the pack store, that can be killed, traced and refused. It says what happened in
// lines on stdout: "open", "ok SEED" once a batch is acknowledged, "failed CODE" where a failure was typed.
//   append DIR WRITERS CHUNK_BYTES PACK_BYTES FIRST_SEED   appends for ever, a batch of one chunk per seed
//   batches DIR COUNT CHUNK_BYTES                          appends this many batches, one after the other
//   read DIR SEED CHUNK_BYTES                              reads one chunk twice
//   golden DIR                                             writes the directory that every later version must open
//   collect DIR CHUNK_BYTES PACK_BYTES FIRST            stores files for ever, forgets most of them and collects: "ok V", "forget V", "forgotten V", "collected"
//   hold DIR                                               keeps the directory open until stdin ends
var options = new PackStoreOptions { Directory = args[1], NodeId = NodeId.Parse("node-1"), ReserveBytes = 0 };
var client = ClientId.Parse("00112233445566778899aabbccddeeff");
try
{
    switch (args[0])
    {
        case "append":
            await AppendAsync(int.Parse(args[2]), int.Parse(args[3]), long.Parse(args[4]), int.Parse(args[5]));
            break;
        case "batches":
            await BatchesAsync(int.Parse(args[2]), int.Parse(args[3]));
            break;
        case "read":
            await ReadAsync(int.Parse(args[2]), int.Parse(args[3]));
            break;
        case "golden":
            await Golden.WriteAsync(options, OpenAsync);
            break;
        case "collect":
            await CollectAsync(int.Parse(args[2]), long.Parse(args[3]), long.Parse(args[4]));
            break;
        case "hold":
            await using (await OpenAsync(options))
                await Console.In.ReadToEndAsync();
            break;
    }
    return 0;
}
catch (FailureException e)
{
    Console.WriteLine($"failed {e.Failure.Code}");
    return 1;
}

async Task AppendAsync(int writers, int chunkBytes, long packBytes, int firstSeed)
{
    var store = await OpenAsync(options with { PackBytesMax = packBytes });
    await Task.WhenAll(Enumerable.Range(0, writers).Select(writer => Task.Run(async () =>
    {
        for (var seed = firstSeed + writer; ; seed += writers)
            await StoreAsync(store, seed, chunkBytes);
    })));
}

async Task BatchesAsync(int count, int chunkBytes)
{
    await using var store = await OpenAsync(options);
    for (var seed = 0; seed < count; seed++)
    {
        try
        {
            await StoreAsync(store, seed, chunkBytes);
        }
        catch (FailureException e)
        {
            Console.WriteLine($"failed {e.Failure.Code}");
        }
    }
}

async Task CollectAsync(int chunkBytes, long packBytes, long first)
{
    var store = await OpenAsync(options with { PackBytesMax = packBytes });
    using var collector = new Collector(store, TimeSpan.Zero, TimeProvider.System, NullLogger<Collector>.Instance);
    var collecting = Task.Run(async () =>
    {
        while (true)
        {
            if ((await collector.CollectAsync(default)).ChunksFreed > 0)
                Console.WriteLine("collected");
            // Without a pause it would hold the index for itself.
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System);
        }
    });
    // Neighbours share a chunk. One in eight stays.
    for (var version = first; !collecting.IsCompleted; version++)
    {
        await StoreFileAsync(store, version, [Seeded.Bytes((int)version, chunkBytes), Seeded.Bytes((int)version + 1, chunkBytes)]);
        Console.WriteLine($"ok {version}");
        var old = version - 10;
        if (old < first || old % 8 == 0)
            continue;
        Console.WriteLine($"forget {old}");
        await store.ForgetAsync(client, [old], default);
        Console.WriteLine($"forgotten {old}");
    }
    await collecting;
}

async Task StoreFileAsync(PackStore store, long version, byte[][] chunks)
{
    using var digest = new ContentDigest();
    var refs = chunks.Select(chunk => new ChunkRef(ChunkId.Of(chunk), chunk.Length)).ToArray();
    foreach (var chunk in refs)
        digest.Add(chunk.Id);
    var head = new ManifestHead
    {
        Path = RootedPath.Parse($"file-{version}"),
        Version = version,
        Kind = VersionKind.File,
        TimeMs = 1_700_000_000_000 + version,
        SizeBytes = chunks.Sum(chunk => (long)chunk.Length),
        Digest = digest.Finish(),
        Nodes = [options.NodeId],
        Epoch = 1,
    };
    using var batch = store.Begin(client);
    foreach (var chunk in chunks)
    {
        using var record = Record.Of(RecordKind.Chunk, client, chunk);
        await batch.AppendAsync(record, default);
    }
    using var manifest = Record.Of(RecordKind.Manifest, client, new Manifest(head, refs).Encode());
    await batch.AppendAsync(manifest, default);
    await batch.CommitAsync(default);
}

async Task ReadAsync(int seed, int chunkBytes)
{
    await using var store = await OpenAsync(options);
    for (var i = 0; i < 2; i++)
    {
        try
        {
            using var record = await store.ReadAsync(client, RecordKind.Chunk, ChunkId.Of(Seeded.Bytes(seed, chunkBytes)), default);
            Console.WriteLine(record is null ? "null" : $"ok {seed}");
        }
        catch (FailureException e)
        {
            Console.WriteLine($"failed {e.Failure.Code}");
        }
    }
    foreach (var damage in store.Damage)
        Console.WriteLine($"damage {damage.Kind}");
}

async Task<PackStore> OpenAsync(PackStoreOptions with)
{
    var store = await PackStore.OpenAsync(with, NullLogger.Instance, TimeProvider.System, default);
    Console.WriteLine("open");
    return store;
}

async Task StoreAsync(PackStore store, int seed, int chunkBytes)
{
    using var batch = store.Begin(client);
    using var record = Record.Of(RecordKind.Chunk, client, Seeded.Bytes(seed, chunkBytes));
    await batch.AppendAsync(record, default);
    await batch.CommitAsync(default);
    Console.WriteLine($"ok {seed}");
}
