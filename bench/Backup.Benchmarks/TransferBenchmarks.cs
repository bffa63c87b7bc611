using Backup.Protocol;
using BenchmarkDotNet.Attributes;

namespace Backup.Benchmarks;

/// <summary>16 MiB, a segment's worth, that does not compress.</summary>
internal static class Sample
{
    public static byte[] Bytes(int count = 16 << 20, int seed = 1)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}

/// <summary>Cutting 16 MiB into chunks, without and with the hashing of each.</summary>
public class ChunkerBenchmarks
{
    private readonly byte[] content = Sample.Bytes();

    [Benchmark]
    public int Cut()
    {
        var chunker = new Chunker();
        var chunks = 0;
        for (var rest = content.AsSpan(); rest.Length > 0; chunks++)
            rest = rest[(chunker.FindEnd(rest) is var end and > 0 ? end : rest.Length)..];
        return chunks;
    }

    [Benchmark]
    public async Task<long> CutAndSeal()
    {
        await using var chunks = new FileChunks(new MemoryStream(content), ClientId.Guest, content.Length);
        long bytes = 0;
        while (await chunks.NextAsync(default) is { } chunk)
        {
            bytes += chunk.Header.PlainBytes;
            chunk.Dispose();
        }
        return bytes;
    }
}

/// <summary>The digests of 16 MiB.</summary>
public class DigestBenchmarks
{
    private readonly byte[] content = Sample.Bytes();

    [Benchmark]
    public ChunkId Sha256() => ChunkId.Of(content);

    [Benchmark]
    public ulong Xxh3() => System.IO.Hashing.XxHash3.HashToUInt64(content);
}

/// <summary>Records of a mebibyte: made, read from a stream and checked.</summary>
public class RecordBenchmarks
{
    private readonly byte[] content = Sample.Bytes(1 << 20);
    private byte[] sent = [];

    [GlobalSetup]
    public void Setup()
    {
        using var record = Record.Of(RecordKind.Chunk, ClientId.Guest, content);
        sent = record.Bytes.ToArray();
    }

    [Benchmark]
    public int Seal()
    {
        using var record = Record.Of(RecordKind.Chunk, ClientId.Guest, content);
        return record.Header.RecordBytes;
    }

    [Benchmark]
    public async Task<bool> ReadAndVerify()
    {
        using var record = await new RecordReader(new MemoryStream(sent), "bench").ReadAsync(default);
        return record!.DigestMatches() && record.ChecksumMatches();
    }
}
