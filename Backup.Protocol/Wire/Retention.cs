namespace Backup.Protocol;

/// <summary>A name for a moment: the root as it was then.</summary>
/// <param name="TimeMs">Unix milliseconds of the cluster's clock.</param>
/// <param name="Automatic">Made by a backup of the whole root; retention may drop it. Those a person named stay until he deletes them.</param>
/// <param name="PinnedUntilMs">Until then nothing and nobody removes it; null when it is not pinned.</param>
public sealed record Snapshot(string Name, long TimeMs, bool Automatic, long? PinnedUntilMs = null);

/// <summary>Makes a snapshot, or pins one that exists longer. A pin is never shortened.</summary>
/// <param name="Name">1 to 100 letters, digits and any of - _ . : +</param>
/// <param name="AtMs">A moment in the past; null for now.</param>
public sealed record SnapshotRequest(string Name, long? AtMs = null, bool Automatic = false, long? PinnedUntilMs = null);

public sealed record SnapshotDeleteRequest(string Name);

/// <param name="Snapshots">Oldest first.</param>
public sealed record SnapshotsReply(Snapshot[] Snapshots);

/// <summary>
/// How many snapshots to keep: the last ones, and the last of each hour, day, week, month and year for so many of these as had any.
/// Times are UTC; weeks begin on Monday.
/// </summary>
public sealed record RetentionPolicy(int Last = 0, int Hourly = 0, int Daily = 0, int Weekly = 0, int Monthly = 0, int Yearly = 0);

/// <param name="Apply">False only tells what would happen.</param>
/// <param name="After">Where the answer before said that it ended; null to begin.</param>
public sealed record RetentionRequest(RetentionPolicy Policy, bool Apply, string? After = null);

/// <param name="Reasons">Why it stays: "last", "daily", "pinned", "named" and so on.</param>
public sealed record KeptSnapshot(Snapshot Snapshot, string[] Reasons);

/// <param name="Versions">Versions that no moment kept shows any more.</param>
/// <param name="Bytes">Their sizes added up; what is freed is less where they share chunks with others.</param>
/// <param name="UndoUntilMs">Until then <see cref="ICatalogue.UndoRetentionAsync"/> brings all of it back; 0 when nothing was applied.</param>
/// <param name="Next">Pass it as <see cref="RetentionRequest.After"/> to go on, and add the numbers up; null when all names were looked at.</param>
public sealed record RetentionReply(KeptSnapshot[] Kept, Snapshot[] Dropped, long Versions, long Bytes, long UndoUntilMs, string? Next = null);

/// <param name="Versions">Versions brought back.</param>
public sealed record UndoReply(Snapshot[] Snapshots, long Versions);

/// <param name="Versions">At most <see cref="Limits.FilesPerCallMax"/>; those the node does not hold are no matter.</param>
/// <param name="UpToEpoch">Only copies placed here in this epoch or before: one that came later is not what the caller means. Null for any.</param>
public sealed record ForgetRequest(long[] Versions, long? UpToEpoch = null);

/// <param name="Forgotten">Versions that the node held until now.</param>
public sealed record ForgetReply(int Forgotten);

/// <param name="ChunksFreed">Records that no version needed any more, dead for longer than the grace period.</param>
/// <param name="BytesFreed">By which the packs have shrunk.</param>
/// <param name="StoredBytes">All packs now.</param>
public sealed record CollectReply(long ChunksFreed, long BytesFreed, long StoredBytes);
