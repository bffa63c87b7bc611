using Backup.Protocol;
using Microsoft.Win32.SafeHandles;

namespace Backup.Storage.Packs;

/// <summary>
/// A pack that is being appended to. <see cref="Write"/> is for everybody; <see cref="Sync"/>, <see cref="LetGo"/> and <see cref="Seal"/> are the
/// committing thread's; all else happens under the appender's lock.
/// </summary>
internal sealed class OpenPack(Disk disk, int number, SafeFileHandle file, long length) : IDisposable
{
    /// <summary>Larger calls cost three times the kernel's time for the same bytes (measured: 1 MiB against 128 KiB).</summary>
    private const int WriteBytes = 128 << 10;

    /// <summary>For each batch that has appended here and is not indexed yet, the offset of its first record.</summary>
    private readonly Dictionary<PackBatch, long> pending = [];

    /// <summary>
    /// Around each write call. The kernel lets one writer into a file at a time anyway; writers that wait for it here do not
    /// spin there (measured with four on two cores: 1.0 GiB/s without, 1.2 to 1.9 with).
    /// </summary>
    private readonly Lock writing = new();

    /// <summary>Everything before this is on the disk. What lies behind it and was abandoned may be gone after a crash, and is not missed.</summary>
    private long synced = length;

    /// <summary>What <see cref="LetGo"/> let go of last: from the one up to the other.</summary>
    private (long From, long To) letGo = (0, 0);

    public int Number => number;

    /// <summary>Where the next record goes: the file's end once all writes are done.</summary>
    public long Length { get; private set; } = length;

    /// <summary>Set when nothing may be appended any more, with or without a seal at the end.</summary>
    public bool IsClosed { get; set; }

    /// <summary>Set when a write failed: the pack gets no seal, because not everything in it is whole.</summary>
    public bool HasFailed { get; set; }

    /// <summary>Set when fsync failed: nothing that was not acknowledged before may be acknowledged any more.</summary>
    public Failure? SyncFailure { get; set; }

    public bool IsQuiet => pending.Count == 0;

    public long Reserve(PackBatch batch, int bytes)
    {
        var offset = Length;
        Length += bytes;
        pending.TryAdd(batch, offset);
        return offset;
    }

    public void Forget(PackBatch batch) => pending.Remove(batch);

    /// <summary>How the pack stands once these batches are indexed: everything before the watermark is, or is abandoned.</summary>
    public PackRow Row(IReadOnlySet<PackBatch> indexed)
    {
        var watermark = pending.Where(batch => !indexed.Contains(batch.Key)).Select(batch => batch.Value).Append(synced).Min();
        if (!HasFailed)
            return new PackRow(number, PackState.Open, Length, watermark);
        // Space that was reserved and could not be written is no part of the file, and must not look lost at the next start.
        var written = Math.Min(Length, RandomAccess.GetLength(file));
        // What a failed sync has left is not looked at again: the kernel may show bytes that the disk does not have.
        return watermark < written && SyncFailure is null ? new PackRow(number, PackState.Open, written, watermark) : new PackRow(number, PackState.Retired, written, written);
    }

    /// <summary>Writes a record into the space reserved for it. Others write to theirs at the same time.</summary>
    public void Write(ReadOnlySpan<byte> record, long offset)
    {
        for (var done = 0; done < record.Length; done += WriteBytes)
            lock (writing)
                disk.Write(file, record.Slice(done, Math.Min(WriteBytes, record.Length - done)), offset + done);
    }

    /// <summary>Returns when all that was written so far is on the disk.</summary>
    public void Sync()
    {
        var before = Length;
        disk.Sync(file);
        synced = before;
    }

    /// <summary>
    /// Lets go of the system's memory of what is synced, and the next records take it: a virtual machine gets memory it has not used for
    /// a while from its host, page by page, which costs more than all else here together. Of whole pages only: the next record
    /// would have the last one read again. And once more of what it let go of last, for what was still being written then.
    /// </summary>
    public void LetGo()
    {
        var to = synced - (synced % Environment.SystemPageSize);
        if (to == letGo.To)
            return;
        disk.ForgetCached(file, letGo.From, to - letGo.From);
        letGo = (letGo.To, to);
    }

    public void Seal()
    {
        Span<byte> seal = stackalloc byte[PackSeal.LengthBytes];
        PackSeal.Write(seal, number, Length);
        disk.Write(file, seal, Length);
        disk.Sync(file);
        Length += PackSeal.LengthBytes;
        synced = Length;
    }

    public void Dispose() => file.Dispose();
}
