using Microsoft.Win32.SafeHandles;

namespace Backup.Storage.Packs;

/// <summary>Open handles for reading, the least recently used closed first, so that a TiB of packs does not use up the process's handles.</summary>
internal sealed class ReadHandles(Disk disk, string directory) : IDisposable
{
    /// <summary>16 GiB of packs at their full size: more than is read at one time.</summary>
    private const int KeptOpen = 64;

    private readonly Dictionary<int, Entry> open = [];
    private readonly Lock gate = new();
    private long clock;

    /// <summary>A handle that stays open until the lease is disposed.</summary>
    /// <exception cref="IOException">The pack cannot be opened.</exception>
    public Lease Take(int pack)
    {
        lock (gate)
        {
            if (!open.TryGetValue(pack, out var entry))
            {
                entry = new Entry(disk.Open(PackFiles.Pack(directory, pack), FileMode.Open, FileAccess.Read));
                open.Add(pack, entry);
            }
            entry.Users++;
            entry.LastUse = ++clock;
            Shrink();
            return new Lease(this, entry);
        }
    }

    /// <summary>The pack is removed: its handle is closed once nobody reads it any more, and its space is free only then.</summary>
    public void Drop(int pack)
    {
        lock (gate)
        {
            if (open.Remove(pack, out var entry))
            {
                entry.IsDropped = true;
                if (entry.Users == 0)
                    entry.File.Dispose();
            }
        }
    }

    public void Dispose()
    {
        foreach (var entry in open.Values)
            entry.File.Dispose();
    }

    private void Shrink()
    {
        while (open.Count > KeptOpen)
        {
            var idle = open.Where(entry => entry.Value.Users == 0).OrderBy(entry => entry.Value.LastUse).FirstOrDefault();
            if (idle.Value is null)
                return; // All are being read; the readers are bounded elsewhere.
            idle.Value.File.Dispose();
            open.Remove(idle.Key);
        }
    }

    private void Return(Entry entry)
    {
        lock (gate)
        {
            entry.Users--;
            if (entry.IsDropped && entry.Users == 0)
                entry.File.Dispose();
        }
    }

    public readonly struct Lease(ReadHandles handles, Entry entry) : IDisposable
    {
        public SafeFileHandle File => entry.File;

        /// <summary>Notes in which stretch of the pack somebody reads now.</summary>
        /// <returns>In which one somebody read before.</returns>
        public long MoveTo(long stretch)
        {
            var before = entry.Stretch;
            entry.Stretch = stretch;
            return before;
        }

        public void Dispose() => handles.Return(entry);
    }

    public sealed class Entry(SafeFileHandle file)
    {
        public SafeFileHandle File => file;

        public int Users { get; set; }

        public bool IsDropped { get; set; }

        public long LastUse { get; set; }

        /// <summary>Set without the lock: what it decides is advice.</summary>
        public long Stretch { get; set; }
    }
}
