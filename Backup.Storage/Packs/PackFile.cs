using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using Backup.Protocol;
using Microsoft.Win32.SafeHandles;

namespace Backup.Storage.Packs;

/// <summary>
/// One pack that is being appended to. Room is given out under a lock, bytes are written outside it, and one fsync serves
/// all that wait for one. After a failed write or fsync it takes nothing more: what the kernel still holds of it cannot be trusted.
/// </summary>
internal sealed class PackFile : IDisposable
{
    public const string Folder = "packs";
    public const int HeaderBytes = 72;

    /// <summary>One write. 1 MiB at a time costs the kernel three times as much here, 4 KiB many more calls.</summary>
    private const int WriteBytes = 128 << 10;
    private static readonly byte[] Magic = "BKPACK\0\u0001"u8.ToArray();

    private readonly Lock room = new();
    private readonly SemaphoreSlim syncing = new(1, 1);
    private readonly SortedSet<long> unindexed = [];
    private readonly string path;
    private readonly SafeFileHandle file;
    private long end;
    private long asked;
    private long done;
    private volatile FailureException? broken;

    private PackFile(string path, int number, SafeFileHandle file, long end)
    {
        this.path = path;
        this.file = file;
        this.end = end;
        Number = number;
    }

    public int Number { get; }

    public bool IsBroken => broken is not null;

    public long End => Interlocked.Read(ref end);

    /// <summary>All before this offset is in the index, or belongs to nobody.</summary>
    public long Watermark
    {
        get
        {
            lock (room)
                return unindexed.Count > 0 ? unindexed.Min : end;
        }
    }

    public static string PathOf(string directory, int number) => Path.Combine(directory, Folder, $"{number:d8}.pack");

    public static PackFile Create(string directory, int number, NodeIdentity identity)
    {
        var path = PathOf(directory, number);
        var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        RandomAccess.Write(file, Header(number, identity), 0);
        Fsync.Directory(Path.GetDirectoryName(path)!);
        return new PackFile(path, number, file, HeaderBytes);
    }

    /// <summary>Opens the last pack again, at the end of its last whole record.</summary>
    public static PackFile Reopen(string directory, int number, long end)
    {
        var path = PathOf(directory, number);
        var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        if (RandomAccess.GetLength(file) > end)
        {
            RandomAccess.SetLength(file, end);
            Fsync.File(file, path);
        }
        return new PackFile(path, number, file, end);
    }

    /// <summary>72 bytes: magic and version, number, node, incarnation, checksum.</summary>
    public static byte[] Header(int number, NodeIdentity identity)
    {
        var header = new byte[HeaderBytes];
        Magic.CopyTo(header, 0);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(8), NodeIdentity.FormatNow);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(12), number);
        identity.Incarnation.TryWriteBytes(header.AsSpan(16), bigEndian: true, out _);
        Encoding.ASCII.GetBytes(identity.Node.Value, header.AsSpan(32, 32));
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(64), XxHash3.HashToUInt64(header.AsSpan(0, 64)));
        return header;
    }

    /// <summary>Takes room for a record. A batch tells the first offset it took here until its records are indexed.</summary>
    public bool TryReserve(int bytes, long bytesMax, bool isFirstOfBatch, out long offset)
    {
        lock (room)
        {
            offset = end;
            if (IsBroken || (end + bytes > bytesMax && end > HeaderBytes))
                return false;
            end += bytes;
            if (isFirstOfBatch)
                unindexed.Add(offset);
            return true;
        }
    }

    /// <summary>The batch that began at this offset is indexed, or given up.</summary>
    public void Settle(long firstOffset)
    {
        lock (room)
            unindexed.Remove(firstOffset);
    }

    public void Write(ReadOnlySpan<byte> record, long offset)
    {
        try
        {
            for (var i = 0; i < record.Length; i += WriteBytes)
                RandomAccess.Write(file, record.Slice(i, Math.Min(WriteBytes, record.Length - i)), offset + i);
        }
        catch (IOException e)
        {
            throw Break(e);
        }
    }

    /// <summary>On return all that was written before the call is on the disk.</summary>
    public async Task SyncAsync()
    {
        var mine = Interlocked.Increment(ref asked);
        await syncing.WaitAsync();
        try
        {
            if (broken is not null)
                throw broken;
            if (done >= mine)
                return; // Another batch's fsync began after this one's last write.
            var covered = Interlocked.Read(ref asked);
            await Task.Run(() => Fsync.File(file, path));
            done = covered;
        }
        catch (IOException e)
        {
            throw Break(e);
        }
        finally
        {
            syncing.Release();
        }
    }

    public void Dispose()
    {
        file.Dispose();
        syncing.Dispose();
    }

    private FailureException Break(IOException e)
    {
        broken ??= DiskFailure.Of(e, $"pack {Number}");
        return broken;
    }
}

/// <summary>What a disk's refusal means.</summary>
internal static class DiskFailure
{
    private const int NoSpace = 28; // ENOSPC
    private const int OverQuota = 122; // EDQUOT

    /// <summary>The node's own name is put in by whoever knows it.</summary>
    public const string ThisNode = "node";

    public static FailureException Of(IOException e, string what) => e.HResult is NoSpace or OverQuota || e.Message.Contains("No space left", StringComparison.Ordinal)
        ? new Failure(FailureCode.NodeFull, $"The disk is full: {what} cannot grow.", ThisNode, "Free some space, or add a node; what is stored stays readable.").Exception(e)
        : new Failure(FailureCode.DiskFailed, $"The disk failed on {what}: {e.Message.TrimEnd('.')}.", ThisNode, "Look at the disk; what this node held has a copy elsewhere.").Exception(e);
}
