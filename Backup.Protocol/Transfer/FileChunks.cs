namespace Backup.Protocol;

/// <summary>
/// ① Reads one source and cuts it into sealed chunk records: each is copied once, into a buffer of its own size, and hashed by
/// another thread while the ends of the next are looked for.
/// </summary>
public sealed class FileChunks(Stream source, ClientId client, long expectedBytes, ClientCipher? cipher = null) : IAsyncDisposable
{
    /// <summary>One read: a few chunks. Larger ones cost memory for each file under way, smaller ones more calls.</summary>
    private const int ReadBytes = 512 << 10;

    /// <summary>What is read ahead of the cuts: a chunk of the largest size and a read, and with its header within a pooled 1 MiB.</summary>
    private const int WindowBytes = (1 << 20) - RecordHeader.LengthBytes;

    /// <summary>Chunks that are hashed while the next is looked for. With two cores one would do; one more bridges the largest.</summary>
    private const int AheadMax = 4;

    private readonly Queue<Task<Record>> ahead = [];
    private readonly Chunker chunker = new(cipher?.CutSeed ?? 0);
    private byte[]? buffer;
    private int start;
    private int filled;
    private bool ended;

    /// <summary>The next chunk; the caller disposes it. Null at the end.</summary>
    public async ValueTask<Record?> NextAsync(CancellationToken ct)
    {
        while (ahead.Count < AheadMax && await CutAsync(ct) is { } cut)
            ahead.Enqueue(cut);
        return ahead.TryDequeue(out var next) ? await next : null;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var cut in ahead)
            (await cut).Dispose();
        ahead.Clear();
        if (buffer is not null)
            Record.Return(buffer);
        buffer = null;
        await source.DisposeAsync();
    }

    private async ValueTask<Task<Record>?> CutAsync(CancellationToken ct)
    {
        if (ended && start == filled)
            return null;
        // A byte more than is expected, so that the end of a file that is as long as expected is found in the same buffer.
        buffer ??= Record.Rent((int)Math.Clamp(expectedBytes + 1, 1, WindowBytes));
        while (true)
        {
            var chunk = Window()[start..filled];
            var length = chunk.Length == 0 ? -1 : chunker.FindEnd(chunk.Span);
            if (length < 0 && ended)
                length = chunk.Length;
            if (length == 0)
                return null;
            if (length > 0)
                return Cut(length);
            MakeRoom();
            var got = await source.ReadAsync(Window().Slice(filled, Math.Min(ReadBytes, Window().Length - filled)), ct);
            ended = got == 0;
            filled += got;
        }
    }

    private Memory<byte> Window() => buffer.AsMemory(RecordHeader.LengthBytes, Math.Min(buffer!.Length - RecordHeader.LengthBytes, WindowBytes));

    /// <summary>Moves what was read of the next chunk to the front; a source that turns out longer than expected gets a buffer of full size.</summary>
    private void MakeRoom()
    {
        if (filled < Window().Length && (start == 0 || Window().Length - filled >= ReadBytes / 2))
            return;
        var begun = Window()[start..filled];
        if (start == 0)
        {
            var larger = Record.Rent(WindowBytes);
            begun.CopyTo(larger.AsMemory(RecordHeader.LengthBytes));
            Record.Return(buffer!);
            buffer = larger;
            return;
        }
        begun.CopyTo(Window());
        (start, filled) = (0, begun.Length);
    }

    private Task<Record> Cut(int length)
    {
        chunker.Reset();
        if (start == 0 && length == filled && ended)
        {
            // A small file is read into the buffer that becomes its record.
            var whole = buffer!;
            (buffer, filled) = (null, 0);
            return Task.FromResult(Seal(whole, length));
        }
        var own = Record.Rent(length);
        Window().Slice(start, length).CopyTo(own.AsMemory(RecordHeader.LengthBytes));
        start += length;
        return Task.Run(() => Seal(own, length));
    }

    private Record Seal(byte[] rented, int length) => cipher is null ? Record.Seal(rented, RecordKind.Chunk, client, length) : Record.Name(rented, cipher, length);
}
