using Backup.Protocol;

namespace Backup.Storage.Packs;

/// <summary>
/// Keeps a reserve of the disk free: the index and deletions must still work on a disk that takes no more data.
/// The file system is asked once in a while, not for every record.
/// </summary>
internal sealed class DiskSpace(Disk disk, string directory, long reserveBytes)
{
    /// <summary>How much may be appended before the file system is asked again; others, and the index, fill the disk meanwhile.</summary>
    private const long AskAgainBytesMax = 16 << 20;

    /// <summary>Asked again after this share of what was free, so that a nearly full disk is looked at closely.</summary>
    private const int AskAgainShare = 16;

    private long believedFree;
    private long untilAsked;

    /// <summary>Free for new data now, the reserve taken off.</summary>
    public long FreeBytes => Math.Max(0, disk.Space(directory).FreeBytes - reserveBytes);

    public long TotalBytes => disk.Space(directory).TotalBytes;

    /// <summary>Takes this much off what is free. One caller at a time.</summary>
    /// <returns>False when it would touch the reserve.</returns>
    public bool TryTake(long bytes)
    {
        if (untilAsked < bytes || believedFree < bytes)
        {
            believedFree = FreeBytes;
            untilAsked = Math.Min(AskAgainBytesMax, believedFree / AskAgainShare);
        }
        if (believedFree < bytes)
            return false;
        believedFree -= bytes;
        untilAsked -= bytes;
        return true;
    }
}
