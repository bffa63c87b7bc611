namespace Backup.Protocol;

/// <summary>
/// ① Reads one source, window by window, and finds the ends of its chunks; other threads copy each chunk out of the window into a record
/// of its own and hash it, while the next window is read.
/// </summary>
public sealed class FileChunks(Stream source, ClientId client, long expectedBytes, ClientCipher? cipher = null) : IAsyncDisposable
{
    /// <summary>
    /// What is read and handed to another thread together: some ten chunks, since to wake one for each would cost a good part of what is won.
    /// At least a chunk of the largest size, and with a record's header within a pooled 1 MiB.
    /// </summary>
    private const int WindowBytes = (1 << 20) - RecordHeader.LengthBytes;

    /// <summary>Windows under way beside the one that is waited for. With it, and with the one that is read, 6 MiB of a file are in memory ahead of the sender.</summary>
    private const int WindowsAhead = 4;

    private readonly Queue<Task<Record[]>> hashing = [];
    private readonly Queue<Record> hashed = [];
    private readonly Chunker chunker = new(cipher?.CutSeed ?? 0);
    private byte[]? buffer;
    private int filled;
    private bool ended;

    /// <summary>The next chunk; the caller disposes it. Null at the end.</summary>
    public async ValueTask<Record?> NextAsync(CancellationToken ct)
    {
        if (hashed.TryDequeue(out var next))
            return next;
        while (hashing.Count <= WindowsAhead && await CutAsync(ct) is { } window)
            hashing.Enqueue(window);
        if (!hashing.TryDequeue(out var first))
            return null;
        foreach (var record in await first)
            hashed.Enqueue(record);
        return hashed.Dequeue();
    }

    public async ValueTask DisposeAsync()
    {
        // A window that failed has been said to whoever waited for it, or is of no matter any more.
        foreach (var window in hashing)
            await window.ContinueWith(done => Array.ForEach(done.IsCompletedSuccessfully ? done.Result : [], record => record.Dispose()), TaskScheduler.Default);
        foreach (var record in hashed)
            record.Dispose();
        if (buffer is not null)
            Record.Return(buffer);
        await source.DisposeAsync();
    }

    /// <summary>Reads a window and has the chunks that end in it copied and hashed; what is left begins the next one. Null at the end.</summary>
    private async ValueTask<Task<Record[]>?> CutAsync(CancellationToken ct)
    {
        if (!ended)
            await FillAsync(ct);
        var ends = FindEnds();
        if (ends.Count == 0)
            return null;
        var (window, left) = (buffer!, filled - ends[^1]);
        // A file that is read to its end needs no window more, though its batch goes on.
        buffer = ended ? null : Record.Rent(WindowBytes);
        if (left > 0)
            Bytes(window).Span.Slice(ends[^1], left).CopyTo(Bytes(buffer!).Span);
        filled = left;
        // A small file was read into the buffer that becomes its record.
        return ended && ends is [var only] ? Task.FromResult<Record[]>([Seal(window, only)]) : Task.Run(() => CutOut(window, ends));
    }

    /// <summary>Reads until the window is full or the source has ended.</summary>
    private async ValueTask FillAsync(CancellationToken ct)
    {
        // A byte more than is expected, so that the end of a file that is as long as expected is found in the same buffer.
        buffer ??= Record.Rent((int)Math.Clamp(expectedBytes + 1, 1, WindowBytes));
        while (!ended && filled < WindowBytes)
        {
            if (filled == Bytes(buffer).Length)
                Grow();
            var got = await source.ReadAsync(Bytes(buffer)[filled..], ct);
            ended = got == 0;
            filled += got;
        }
    }

    /// <summary>A source that turns out longer than expected gets a window of full size.</summary>
    private void Grow()
    {
        var larger = Record.Rent(WindowBytes);
        Bytes(buffer!).CopyTo(Bytes(larger));
        Record.Return(buffer!);
        buffer = larger;
    }

    private List<int> FindEnds()
    {
        var ends = new List<int>();
        for (var start = 0; start < filled; start = ends[^1])
        {
            var length = chunker.FindEnd(Bytes(buffer!)[start..filled].Span);
            if (length < 0 && !ended)
                break;
            ends.Add(length < 0 ? filled : start + length);
            chunker.Reset();
        }
        return ends;
    }

    private Record[] CutOut(byte[] window, List<int> ends)
    {
        var records = new Record[ends.Count];
        var start = 0;
        for (var i = 0; i < records.Length; i++)
        {
            var chunk = Bytes(window)[start..ends[i]];
            var own = Record.Rent(chunk.Length);
            chunk.CopyTo(Bytes(own));
            records[i] = Seal(own, chunk.Length);
            start = ends[i];
        }
        Record.Return(window);
        return records;
    }

    /// <summary>What a window holds, or may hold: a record's payload, should it become one.</summary>
    private static Memory<byte> Bytes(byte[] rented) => rented.AsMemory(RecordHeader.LengthBytes, Math.Min(rented.Length - RecordHeader.LengthBytes, WindowBytes));

    private Record Seal(byte[] rented, int length) =>
        cipher is null ? Record.Seal(rented, RecordKind.Chunk, client, length) : Record.Name(rented, cipher, length);
}
