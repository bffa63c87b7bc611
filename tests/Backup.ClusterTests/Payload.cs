namespace Backup.ClusterTests;

/// <summary>Content that is a function of a seed and a position: any byte can be checked without keeping it, and any length costs no memory.</summary>
public sealed class Payload(int seed, long lengthBytes) : Stream
{
    private long position;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => lengthBytes;

    public override long Position { get => position; set => throw new NotSupportedException(); }

    public static byte[] Bytes(int seed, int length)
    {
        var bytes = new byte[length];
        Fill(seed, 0, bytes);
        return bytes;
    }

    public override int Read(Span<byte> buffer)
    {
        var count = (int)Math.Min(buffer.Length, lengthBytes - position);
        Fill(seed, position, buffer[..count]);
        position += count;
        return count;
    }

    /// <summary>Writing compares: what is written must be the payload from here on.</summary>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        var expected = new byte[buffer.Length];
        Fill(seed, position, expected);
        if (position + buffer.Length > lengthBytes || !buffer.SequenceEqual(expected))
            throw new InvalidDataException($"What came back differs from the payload of seed {seed} in the {buffer.Length} bytes from {position}.");
        position += buffer.Length;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => ValueTask.FromResult(Read(buffer.Span));

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Write(buffer.Span);
        return ValueTask.CompletedTask;
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>Eight bytes at a time from SplitMix64 at (seed, index): incompressible, and random access.</summary>
    private static void Fill(int seed, long from, Span<byte> to)
    {
        Span<byte> word = stackalloc byte[8];
        for (var i = 0; i < to.Length;)
        {
            var index = (from + i) / 8;
            var skip = (int)((from + i) % 8);
            var z = (ulong)index * 0x9E3779B97F4A7C15 + ((ulong)(uint)seed << 32 | 0x5851F42D);
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(word, z ^ (z >> 31));
            var count = Math.Min(8 - skip, to.Length - i);
            word.Slice(skip, count).CopyTo(to[i..]);
            i += count;
        }
    }
}
