using Backup.Protocol;

namespace Backup.Client;

/// <summary>A random sample of files, drawn in one pass over any number of them; each has the same chance.</summary>
internal sealed class Sample(int count, long bytesMax, Random random)
{
    private readonly List<FileVersion> drawn = [];
    private long seen;

    /// <summary>Files with content only: what else there is has nothing to compare.</summary>
    public void Offer(FileVersion file)
    {
        if (file.Kind != VersionKind.File)
            return;
        seen++;
        if (drawn.Count < count)
            drawn.Add(file);
        else if (random.NextInt64(seen) is var place && place < count)
            drawn[(int)place] = file;
    }

    /// <summary>What was drawn, as far as it fits the bound; the first always does. In the order of the paths.</summary>
    public IReadOnlyList<FileVersion> Drawn()
    {
        var kept = new List<FileVersion>();
        long bytes = 0;
        // In random order, so that the bound does not favour what comes first.
        foreach (var file in drawn.OrderBy(_ => random.Next()))
        {
            if (kept.Count > 0 && bytes + file.SizeBytes > bytesMax)
                continue;
            kept.Add(file);
            bytes += file.SizeBytes;
        }
        return [.. kept.OrderBy(file => file.Path.Value, PathOrder.Instance)];
    }
}
