using System.Runtime.CompilerServices;
using Backup.Storage.Packs;
using Microsoft.Win32.SafeHandles;

namespace Backup.FaultTests.Disks;

/// <summary>
/// A node's disk over a real directory (in memory where there is /dev/shm) that remembers what was not synced. At a crash it
/// stops, whatever the process still tries, and <see cref="Recover"/> leaves in the directory what such a crash may leave.
/// It can also be full, fail to sync and fail to read. Bytes are safe after a sync of the file, names after one of the directory.
/// </summary>
public class FaultyDisk(string directory, Random random) : Disk
{
    private const int InputOutputError = 5; // EIO
    private const int NoSpace = 28; // ENOSPC

    /// <summary>What a disk writes whole or not at all.</summary>
    private const int SectorBytes = 512;

    private readonly Lock gate = new();
    private readonly ConditionalWeakTable<SafeFileHandle, Inode> open = [];
    private readonly Dictionary<string, Inode> files = [];
    private readonly List<NameChange> names = [];
    private readonly IndexCopies index = new(directory);
    private CrashPlan? plan;
    private CrashState? crashed;

    /// <summary>Changing calls so far: the places at which a sweep crashes.</summary>
    public int Calls { get; private set; }

    /// <summary>How often a crash made the index older, which a damaged log of it does too: what it has forgotten and the packs hold damaged looks as if it had never been acknowledged.</summary>
    public int IndexesOlder { get; private set; }

    public bool HasCrashed => crashed is not null;

    public bool IsFull { get; set; }

    /// <summary>So many syncs from now on fail with EIO, and what they should have made safe never will be.</summary>
    public int FailingSyncs { get; set; }

    /// <summary>So many reads from now on fail with EIO.</summary>
    public int FailingReads { get; set; }

    /// <summary>Is told of each changing call, for the history.</summary>
    public Action<string>? Trace { get; init; }

    private sealed class Inode
    {
        public List<Pending> Writes { get; } = [];

        public long SyncedLength { get; set; }
    }

    /// <param name="IsDoomed">A sync has failed since: no later one makes it safe.</param>
    private sealed record Pending(long Offset, int Bytes, bool IsDoomed);

    /// <param name="Before">What the name meant before, null for nothing.</param>
    private sealed record NameChange(string Folder, string Path, byte[]? Before, Inode? InodeBefore, string? MovedFrom = null);

    private sealed record CrashPlan(int AtCall, CrashMode Mode, IndexFate Index);

    private sealed record CrashState(bool IsPowerLost, Dictionary<string, byte[]?> Files, IndexFate Index, IndexCopies.Copy Now, IndexCopies.Copy Older);

    /// <summary>Crashes when so many changing calls have been begun from now on: the last of them does not happen, or, torn, in part.</summary>
    public void CrashAfter(int calls, CrashMode mode, IndexFate fate)
    {
        lock (gate)
            plan = new CrashPlan(Calls + calls, mode, fate);
    }

    /// <summary>Ends every fault but a crash that has happened.</summary>
    public void Heal()
    {
        lock (gate)
            (plan, IsFull, FailingReads, FailingSyncs) = (null, false, 0, 0);
    }

    public void CrashNow(CrashMode mode, IndexFate fate)
    {
        lock (gate)
            Freeze(mode, fate);
    }

    /// <summary>Leaves in the directory what the crash left. The store must be closed.</summary>
    public void Recover()
    {
        var state = crashed ?? throw new InvalidOperationException("It has not crashed.");
        foreach (var (path, bytes) in state.Files)
        {
            if (bytes is null)
                File.Delete(path);
            else
                File.WriteAllBytes(path, bytes);
        }
        index.Leave(state.Index, state.Now, state.Older, random);
        IndexesOlder += state.Index is IndexFate.Older or IndexFate.Damaged ? 1 : 0;
        (crashed, plan, FailingReads, FailingSyncs) = (null, null, 0, 0);
        index.Forget();
        // After the death of the process alone what was not synced still is not.
        if (state.IsPowerLost)
        {
            files.Clear();
            names.Clear();
        }
    }

    public override SafeFileHandle Open(string path, FileMode mode, FileAccess access, FileOptions options = FileOptions.None)
    {
        lock (gate)
        {
            if (access == FileAccess.Read)
            {
                Alive();
                var reading = base.Open(path, mode, access, options);
                if (files.TryGetValue(path, out var read))
                    open.Add(reading, read);
                return reading;
            }
            var existed = File.Exists(path);
            var isNew = mode is FileMode.CreateNew or FileMode.Create;
            if (isNew)
                Change($"create {path}");
            var before = isNew && existed ? File.ReadAllBytes(path) : null;
            var handle = base.Open(path, mode, access, options);
            var inode = isNew ? null : files.GetValueOrDefault(path);
            inode ??= new Inode { SyncedLength = isNew ? 0 : RandomAccess.GetLength(handle) };
            if (isNew)
                names.Add(new NameChange(Path.GetDirectoryName(path)!, path, before, files.GetValueOrDefault(path)));
            files[path] = inode;
            open.Add(handle, inode);
            return handle;
        }
    }

    public override void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset)
    {
        lock (gate)
        {
            var inode = open.TryGetValue(file, out var known) ? known : throw new InvalidOperationException("Written through a handle opened for reading.");
            if (IsFull)
                throw new IOException("No space left on device", NoSpace);
            // A write that the crash meets may have begun: its bytes are with the kernel, and may be kept, lost or torn.
            if (IsDue)
            {
                base.Write(file, bytes, offset);
                inode.Writes.Add(new Pending(offset, bytes.Length, false));
            }
            Change($"write {offset}+{bytes.Length}");
            base.Write(file, bytes, offset);
            inode.Writes.Add(new Pending(offset, bytes.Length, false));
        }
    }

    public override void Sync(SafeFileHandle file)
    {
        lock (gate)
        {
            Change("sync");
            // Nothing was written to it since it was last safe.
            if (!open.TryGetValue(file, out var inode))
                return;
            if (FailingSyncs > 0)
            {
                FailingSyncs--;
                for (var i = 0; i < inode.Writes.Count; i++)
                    inode.Writes[i] = inode.Writes[i] with { IsDoomed = true };
                throw new IOException("fsync failed: Input/output error", InputOutputError);
            }
            inode.Writes.RemoveAll(write => !write.IsDoomed);
            inode.SyncedLength = RandomAccess.GetLength(file);
            index.Remember();
        }
    }

    /// <summary>Bytes whose sync has failed are clean in the kernel's eyes: dropped from its cache, they are gone.</summary>
    public override void ForgetCached(SafeFileHandle file, long offset = 0, long bytes = 0)
    {
        lock (gate)
        {
            if (!open.TryGetValue(file, out var inode) || files.FirstOrDefault(known => known.Value == inode).Key is not { } path)
                return;
            var end = bytes == 0 ? long.MaxValue : offset + bytes;
            using var writing = base.Open(path, FileMode.Open, FileAccess.Write);
            foreach (var write in inode.Writes.Where(write => write.IsDoomed && write.Offset < end && offset < write.Offset + write.Bytes))
                base.Write(writing, new byte[write.Bytes], write.Offset);
            inode.Writes.RemoveAll(write => write.IsDoomed && write.Offset < end && offset < write.Offset + write.Bytes);
        }
    }

    public override void SyncDirectory(string path)
    {
        lock (gate)
        {
            Change($"sync directory {path}");
            names.RemoveAll(change => change.Folder == path);
        }
    }

    public override void Move(string from, string to)
    {
        lock (gate)
        {
            Change($"move {from}");
            names.Add(new NameChange(Path.GetDirectoryName(to)!, to, File.Exists(to) ? File.ReadAllBytes(to) : null, files.GetValueOrDefault(to), from));
            base.Move(from, to);
            if (files.Remove(from, out var inode))
                files[to] = inode;
        }
    }

    public override void Delete(string path)
    {
        lock (gate)
        {
            Change($"delete {path}");
            if (File.Exists(path))
                names.Add(new NameChange(Path.GetDirectoryName(path)!, path, File.ReadAllBytes(path), files.GetValueOrDefault(path)));
            files.Remove(path);
            base.Delete(path);
            // The store has put the index on the disk before it deletes a pack: from here on it is no older.
            index.Forget();
            index.Remember();
        }
    }

    public override int Read(SafeFileHandle file, Span<byte> to, long offset)
    {
        MayRead();
        return base.Read(file, to, offset);
    }

    public override ValueTask<int> ReadAsync(SafeFileHandle file, Memory<byte> to, long offset, CancellationToken ct)
    {
        MayRead();
        return base.ReadAsync(file, to, offset, ct);
    }

    public override (long FreeBytes, long TotalBytes) Space(string directory) => (IsFull ? 0 : 100L << 30, 200L << 30);

    private bool IsDue => plan is not null && Calls + 1 >= plan.AtCall;

    private void MayRead()
    {
        lock (gate)
        {
            Alive();
            if (FailingReads > 0)
            {
                FailingReads--;
                throw new IOException("read failed: Input/output error", InputOutputError);
            }
        }
    }

    private void Alive()
    {
        if (HasCrashed)
            throw new IOException("the machine has crashed");
    }

    private void Change(string what)
    {
        Alive();
        Calls++;
        Trace?.Invoke(what);
        if (plan is null || Calls < plan.AtCall)
            return;
        Freeze(plan.Mode, plan.Index);
        Alive();
    }

    private void Freeze(CrashMode mode, IndexFate fate)
    {
        if (HasCrashed)
            return;
        var (now, older) = (index.Take(), index.Oldest());
        crashed = new CrashState(mode != CrashMode.Kept, mode == CrashMode.Kept ? [] : Outcome(mode), fate, now, older);
    }

    /// <summary>The files that are not as they look, and what they are.</summary>
    private Dictionary<string, byte[]?> Outcome(CrashMode mode)
    {
        var outcome = new Dictionary<string, byte[]?>();
        foreach (var (path, inode) in files.Where(file => file.Value.Writes.Count > 0 && File.Exists(file.Key)))
            outcome[path] = ContentOf(File.ReadAllBytes(path), inode, mode);
        // The names from the last change back to the first that is lost.
        var kept = mode == CrashMode.Lost ? 0 : random.Next(names.Count + 1);
        for (var i = names.Count - 1; i >= kept; i--)
        {
            var change = names[i];
            if (change.MovedFrom is { } from)
                outcome[from] = outcome.TryGetValue(change.Path, out var moved) ? moved : File.ReadAllBytes(change.Path);
            outcome[change.Path] = change.Before is { } before && change.InodeBefore is { Writes.Count: > 0 } inode ? ContentOf(before, inode, mode) : change.Before;
        }
        return outcome;
    }

    private byte[] ContentOf(byte[] seen, Inode inode, CrashMode mode)
    {
        var bytes = (byte[])seen.Clone();
        long length = inode.SyncedLength;
        foreach (var write in inode.Writes)
        {
            var kept = mode == CrashMode.Lost || (write.IsDoomed && random.Next(4) > 0) ? 0 : random.Next(2) * write.Bytes;
            if (mode == CrashMode.Torn && !write.IsDoomed)
                kept = Math.Min(write.Bytes, random.Next(write.Bytes / SectorBytes + 2) * SectorBytes);
            bytes.AsSpan((int)(write.Offset + kept), write.Bytes - kept).Clear();
            length = Math.Max(length, kept > 0 ? write.Offset + kept : 0);
        }
        // A file's length may be safe before its bytes are.
        if (mode != CrashMode.Lost && random.Next(4) == 0)
            length = bytes.Length;
        return bytes[..(int)Math.Min(length, bytes.Length)];
    }
}
