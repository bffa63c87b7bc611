namespace Backup.Storage.Packs;

/// <summary>
/// Reads the headers of the packs that come next into the kernel's cache while one is indexed. A rebuild reads a million
/// headers that lie a mebibyte apart: one after the other they wait for the disk a million times, in a few packs at once a fraction of that.
/// </summary>
internal sealed class HeadersAhead(Disk disk, string directory, int[] packs)
{
    /// <summary>Packs read at once: enough for the disk to overlap its waits, few enough that their pages are still cached when their turn comes.</summary>
    private const int PacksAtOnce = 6;

    private readonly Task[] reads = new Task[packs.Length];
    private int begun;
    private int next;

    /// <summary>Waits until the headers of this pack are cached, and begins with those after it. To be called in the order of the packs.</summary>
    public void Await(int pack)
    {
        while (next < packs.Length && packs[next] < pack)
            next++;
        for (; begun < Math.Min(packs.Length, next + PacksAtOnce); begun++)
        {
            var number = packs[begun];
            reads[begun] = Task.Run(() => Read(number));
        }
        if (next < packs.Length && packs[next] == pack)
            reads[next].Wait();
    }

    private void Read(int number)
    {
        try
        {
            using var file = disk.Open(PackFiles.Pack(directory, number), FileMode.Open, FileAccess.Read, FileOptions.RandomAccess);
            foreach (var _ in new PackScanner(disk, file, RandomAccess.GetLength(file) - PackSeal.LengthBytes, checkPayloads: false).From(PackHeader.LengthBytes))
            {
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Whoever reads it in earnest meets the same, and says so.
        }
    }
}
