namespace Backup.Protocol;

/// <summary>
/// ① Reads one source and cuts it into sealed chunk records: each is copied once, into a buffer of its own size, and hashed by
/// other threads while the ends of the next are looked for.
/// </summary>
public sealed class FileChunks(Stream source, ClientId client, long expectedBytes, ClientCipher? cipher = null) : IAsyncDisposable
{
    /// <summary>One read: a few chunks. Larger ones cost memory for each file under way, smaller ones more calls.</summary>
    private const int ReadBytes = 512 << 10;

    /// <summary>What is read ahead of the cuts: a chunk of the largest size and a read, and with its header within a pooled 1 MiB.</summary>
    private const int WindowBytes = (1 << 20) - RecordHeader.LengthBytes;

    /// <summary>Handed to another thread together: to wake one for each chunk would cost a good part of what is won.</summary>
    private const int HashedTogetherMax = 8;

    /// <summary>Lots under way beside the one that is waited for. With it, up to 24 chunks of a file are in memory ahead of the sender.</summary>
    private const int LotsAhead = 2;

    private readonly Queue<Task<Record[]>> hashing = [];
    private readonly Queue<Record> hashed = [];
    private readonly Chunker chunker = new(cipher?.CutSeed ?? 0);
    private byte[]? buffer;
    private int start;
    private int filled;
    private bool ended;

    /// <summary>The next chunk; the caller disposes it. Null at the end.</summary>
    public async ValueTask<Record?> NextAsync(CancellationToken ct)
    {
        if (hashed.TryDequeue(out var next))
            return next;
        while (hashing.Count <= LotsAhead && await CutAsync(ct) is { } lot)
            hashing.Enqueue(lot);
        if (!hashing.TryDequeue(out var first))
            return null;
        foreach (var record in await first)
            hashed.Enqueue(record);
        return hashed.Dequeue();
    }

    public async ValueTask DisposeAsync()
    {
        // A lot that failed has been said to whoever waited for it, or is of no matter any more.
        foreach (var lot in hashing)
            await lot.ContinueWith(done => Array.ForEach(done.IsCompletedSuccessfully ? done.Result : [], record => record.Dispose()), TaskScheduler.Default);
        foreach (var record in hashed)
            record.Dispose();
        LetGo();
        await source.DisposeAsync();
    }

    private void LetGo()
    {
        if (buffer is not null)
            Record.Return(buffer);
        buffer = null;
    }

    /// <summary>Cuts the chunks whose ends have been read, at least one, and has them hashed. Null at the end.</summary>
    private async ValueTask<Task<Record[]>?> CutAsync(CancellationToken ct)
    {
        if (ended && start == filled)
            return null;
        // A byte more than is expected, so that the end of a file that is as long as expected is found in the same buffer.
        buffer ??= Record.Rent((int)Math.Clamp(expectedBytes + 1, 1, WindowBytes));
        while (true)
        {
            var cut = new List<(byte[] Rented, int Length)>();
            while (cut.Count < HashedTogetherMax && FindEnd() is var length and > 0)
                cut.Add(Take(length));
            // A file that is read to its end needs its window no more, though its batch goes on.
            if (ended && start == filled)
                LetGo();
            if (cut.Count > 0)
                return cut is [var only] && ended ? Task.FromResult<Record[]>([Seal(only)]) : Task.Run(() => cut.Select(Seal).ToArray());
            if (ended)
                return null;
            MakeRoom();
            var got = await source.ReadAsync(Window().Slice(filled, Math.Min(ReadBytes, Window().Length - filled)), ct);
            ended = got == 0;
            filled += got;
        }
    }

    /// <summary>The length of the next chunk; not above 0 where its end has not been read, or nothing is left.</summary>
    private int FindEnd()
    {
        if (start == filled)
            return 0;
        var length = chunker.FindEnd(Window()[start..filled].Span);
        return length < 0 && ended ? filled - start : length;
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

    private (byte[] Rented, int Length) Take(int length)
    {
        chunker.Reset();
        if (start == 0 && length == filled && ended)
        {
            // A small file is read into the buffer that becomes its record.
            var whole = buffer!;
            (buffer, filled) = (null, 0);
            return (whole, length);
        }
        var own = Record.Rent(length);
        Window().Slice(start, length).CopyTo(own.AsMemory(RecordHeader.LengthBytes));
        start += length;
        return (own, length);
    }

    private Record Seal((byte[] Rented, int Length) chunk) =>
        cipher is null ? Record.Seal(chunk.Rented, RecordKind.Chunk, client, chunk.Length) : Record.Name(chunk.Rented, cipher, chunk.Length);
}
