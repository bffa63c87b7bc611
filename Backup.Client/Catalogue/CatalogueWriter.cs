using System.Buffers.Binary;
using System.IO.Hashing;
using Backup.Protocol;

namespace Backup.Client;

/// <summary>
/// Takes entries in any order and writes them in the order of their paths. It holds a bounded number of them; when there are
/// more, it puts them aside in sorted runs, which are merged at the end. A later entry for the same path replaces an earlier one.
/// </summary>
internal sealed class CatalogueWriter(string path, ClientId client, int entriesHeld = CatalogueWriter.EntriesHeld) : IDisposable
{
    /// <summary>About 5 MiB of entries with their paths, and two writers are open during a backup. A run of this many is 3 MiB of file.</summary>
    public const int EntriesHeld = 16 << 10;
    private const int BufferBytes = 128 << 10;

    private readonly List<CatalogueEntry> held = [];
    private readonly List<string> runs = [];

    public long Count { get; private set; }

    public void Add(CatalogueEntry entry)
    {
        Count++;
        held.Add(entry);
        if (held.Count < entriesHeld)
            return;
        var run = $"{path}.run{runs.Count}";
        runs.Add(run);
        WriteFile(run, 0, Sorted());
        held.Clear();
    }

    /// <summary>Writes all that was added, in place of what is there. No fsync: a file torn by a crash fails its checksum.</summary>
    public void Finish(long sequence)
    {
        var temporary = path + ".new";
        WriteFile(temporary, sequence, runs.Count == 0 ? Sorted() : Merge());
        File.Move(temporary, path, overwrite: true);
        // What was planned is read from the file while it is sent, for hours perhaps.
        held.Clear();
        held.TrimExcess();
    }

    public void Dispose()
    {
        foreach (var run in runs)
            File.Delete(run);
        File.Delete(path + ".new");
        runs.Clear();
    }

    /// <summary>A stable sort, then the last of each path.</summary>
    private IEnumerable<CatalogueEntry> Sorted() => LastOfEach(held.OrderBy(entry => entry.Path.Value, PathOrder.Instance));

    private IEnumerable<CatalogueEntry> Merge()
    {
        var sources = runs.Select(CatalogueFile.Entries).Append(Sorted()).Select(entries => entries.GetEnumerator()).ToArray();
        try
        {
            foreach (var entry in LastOfEach(MergeSorted(sources)))
                yield return entry;
        }
        finally
        {
            foreach (var source in sources)
                source.Dispose();
        }
    }

    private static IEnumerable<CatalogueEntry> MergeSorted(IEnumerator<CatalogueEntry>[] sources)
    {
        var order = Comparer<(string Path, int Run)>.Create(static (l, r) =>
            PathOrder.Instance.Compare(l.Path, r.Path) is var c and not 0 ? c : l.Run - r.Run);
        var next = new PriorityQueue<int, (string, int)>(order);
        for (var i = 0; i < sources.Length; i++)
        {
            if (sources[i].MoveNext())
                next.Enqueue(i, (sources[i].Current.Path.Value, i));
        }
        while (next.TryDequeue(out var i, out _))
        {
            yield return sources[i].Current;
            if (sources[i].MoveNext())
                next.Enqueue(i, (sources[i].Current.Path.Value, i));
        }
    }

    private static IEnumerable<CatalogueEntry> LastOfEach(IEnumerable<CatalogueEntry> sorted)
    {
        CatalogueEntry? last = null;
        foreach (var entry in sorted)
        {
            if (last is not null && last.Path != entry.Path)
                yield return last;
            last = entry;
        }
        if (last is not null)
            yield return last;
    }

    private void WriteFile(string to, long sequence, IEnumerable<CatalogueEntry> entries)
    {
        using var file = new FileStream(to, FileMode.Create, FileAccess.ReadWrite, FileShare.None, BufferBytes);
        // The number of entries stands in the header and is only known at the end; the checksum must see the header first.
        file.Position = CatalogueFile.HeaderBytes;
        var buffer = new byte[CatalogueFile.EntryBytesMax];
        var count = 0L;
        foreach (var entry in entries)
        {
            file.Write(buffer, 0, CatalogueFile.Encode(entry, buffer));
            count++;
        }
        Span<byte> header = stackalloc byte[CatalogueFile.HeaderBytes];
        CatalogueFile.WriteHeader(header, new CatalogueFile.Header(client, sequence, count));
        file.Position = 0;
        file.Write(header);
        file.Position = 0;
        var checksum = new XxHash3();
        checksum.Append(file);
        BinaryPrimitives.WriteUInt64LittleEndian(buffer, checksum.GetCurrentHashAsUInt64());
        file.Write(buffer, 0, CatalogueFile.TrailerBytes);
    }
}
