namespace Backup.Protocol;

/// <summary>① Reads one source and cuts it into sealed chunk records, with one copy of what stands behind each cut.</summary>
public sealed class FileChunks(Stream source, ClientId client, long expectedBytes, ClientCipher? cipher = null) : IAsyncDisposable
{
    /// <summary>One read. Larger ones copy more behind a cut (half of it on average), smaller ones cost more calls.</summary>
    private const int ReadBytes = 256 << 10;

    private readonly Chunker chunker = new(cipher?.CutSeed ?? 0);
    private byte[]? buffer;
    private int filled;
    private bool ended;

    /// <summary>Bytes handed out so far.</summary>
    public long BytesRead { get; private set; }

    /// <summary>The next chunk; the caller disposes it. Null at the end.</summary>
    public async ValueTask<Record?> NextAsync(CancellationToken ct)
    {
        buffer ??= Record.Rent((int)Math.Clamp(expectedBytes - BytesRead + 1, 1, Limits.ChunkBytesMax));
        while (true)
        {
            var end = filled == 0 ? -1 : chunker.FindEnd(Room()[..filled].Span);
            if (end < 0 && ended)
                end = filled;
            if (end == 0)
                return null;
            if (end > 0)
                return Cut(end);
            Grow();
            var got = await source.ReadAsync(Room().Slice(filled, Math.Min(ReadBytes, Room().Length - filled)), ct);
            ended = got == 0;
            filled += got;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (buffer is not null)
            Record.Return(buffer);
        buffer = null;
        await source.DisposeAsync();
    }

    private Memory<byte> Room() => buffer.AsMemory(RecordHeader.LengthBytes, Math.Min(buffer!.Length - RecordHeader.LengthBytes, Limits.ChunkBytesMax));

    /// <summary>A source that turns out longer than expected gets a buffer for the largest chunk.</summary>
    private void Grow()
    {
        if (filled < Room().Length)
            return;
        var larger = Record.Rent(Limits.ChunkBytesMax);
        buffer.AsSpan(0, RecordHeader.LengthBytes + filled).CopyTo(larger);
        Record.Return(buffer!);
        buffer = larger;
    }

    /// <summary>
    /// Copies the chunk into a buffer of its own size and keeps the large one to read on: a segment holds some sixteen chunks,
    /// and sixteen buffers for the largest would be three times the memory.
    /// </summary>
    private Record Cut(int end)
    {
        BytesRead += end;
        chunker.Reset();
        var full = buffer!;
        if (end == filled && ended)
        {
            (buffer, filled) = (null, 0);
            return Seal(full, end);
        }
        var own = Record.Rent(end);
        var payload = Room()[..filled];
        payload[..end].CopyTo(own.AsMemory(RecordHeader.LengthBytes));
        payload[end..].CopyTo(payload);
        filled -= end;
        return Seal(own, end);
    }

    private Record Seal(byte[] rented, int length) => cipher is null ? Record.Seal(rented, RecordKind.Chunk, client, length) : Record.Name(rented, cipher, length);
}
