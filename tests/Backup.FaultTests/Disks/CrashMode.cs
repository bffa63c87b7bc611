namespace Backup.FaultTests.Disks;

/// <summary>What becomes, at a crash, of what was written and not synced.</summary>
public enum CrashMode
{
    /// <summary>All of it is there: the process died, the kernel did not.</summary>
    Kept,

    /// <summary>Nothing of it is there.</summary>
    Lost,

    /// <summary>Some writes are there and some are not; a lost one in the middle reads as zeros. Of the names, the first few count.</summary>
    Mixed,

    /// <summary>As mixed, and single writes are there in part.</summary>
    Torn,
}

/// <summary>What becomes of the index, which is a cache, at the same crash.</summary>
public enum IndexFate
{
    /// <summary>As it stood. All that is in it was synced before in the packs.</summary>
    Kept,

    /// <summary>As it stood a few commits before, which SQLite allows itself after a loss of power (synchronous = NORMAL).</summary>
    Older,

    Deleted,

    /// <summary>Bytes in it are flipped.</summary>
    Damaged,
}
