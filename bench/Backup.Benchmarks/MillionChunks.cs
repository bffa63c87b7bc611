using System.Diagnostics;
using Backup.Protocol;
using Backup.Storage.Packs;
using Microsoft.Extensions.Logging.Abstractions;

namespace Backup.Benchmarks;

/// <summary>
/// A node with so many chunks of a mebibyte each, opened with its index and without. The packs are sparse files: headers where
/// they belong and holes for payloads, which opening does not read. A million chunks take 4 GiB of disk and stand for a TiB.
/// </summary>
internal static class MillionChunks
{
    private const int ChunkBytes = 1 << 20;

    public static async Task<int> RunAsync(string directory, int chunks)
    {
        var options = new PackStoreOptions { Directory = directory, NodeId = NodeId.Parse("bench"), ReserveBytes = 0 };
        if (!Directory.Exists(directory))
            await MakeAsync(options, chunks);
        foreach (var file in Directory.GetFiles(directory, "index.db*"))
            File.Delete(file);
        await OpenAsync(options, "rebuilt its index from the packs");
        await OpenAsync(options, "opened with its index");
        return 0;
    }

    private static async Task OpenAsync(PackStoreOptions options, string what)
    {
        var watch = Stopwatch.StartNew();
        await using var store = await PackStore.OpenAsync(options, NullLogger<PackStore>.Instance, TimeProvider.System, default);
        Console.WriteLine($"{what}: {watch.Elapsed.TotalSeconds:N1} s, {Process.GetCurrentProcess().PeakWorkingSet64 >> 20} MiB at its peak");
    }

    private static async Task MakeAsync(PackStoreOptions options, int chunks)
    {
        await using (await PackStore.OpenAsync(options, NullLogger<PackStore>.Instance, TimeProvider.System, default))
        {
        }
        var identity = NodeIdentity.TryRead(options.Directory)!;
        var perPack = (int)((options.PackBytesMax - PackHeader.LengthBytes - PackSeal.LengthBytes) / (RecordHeader.LengthBytes + ChunkBytes));
        var bytes = new byte[RecordHeader.LengthBytes];
        for (var (made, pack) = (0, 1); made < chunks; pack++)
        {
            using var file = File.OpenHandle(PackFiles.Pack(options.Directory, pack), FileMode.Create, FileAccess.Write);
            var head = new byte[PackHeader.LengthBytes];
            new PackHeader(options.NodeId, identity.Incarnation, pack).Write(head);
            RandomAccess.Write(file, head, 0);
            long at = PackHeader.LengthBytes;
            for (var i = 0; i < perPack && made < chunks; i++, made++)
            {
                var id = ChunkId.Of(BitConverter.GetBytes(made));
                new RecordHeader
                {
                    Kind = RecordKind.Chunk,
                    Encoding = RecordEncoding.Raw,
                    StoredBytes = ChunkBytes,
                    PlainBytes = ChunkBytes,
                    Client = ClientId.Guest,
                    Id = id,
                    Digest = id,
                    PayloadChecksum = 0,
                }.Write(bytes);
                RandomAccess.Write(file, bytes, at);
                at += RecordHeader.LengthBytes + ChunkBytes;
            }
            var seal = new byte[PackSeal.LengthBytes];
            PackSeal.Write(seal, pack, at);
            RandomAccess.Write(file, seal, at);
        }
    }
}
