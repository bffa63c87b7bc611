using System.Text.Json.Serialization;

namespace Backup.Protocol;

/// <summary>What an event is about. Names go over the wire; never reuse one for something else.</summary>
public enum EventKind
{
    /// <summary>A node registered that was never seen before.</summary>
    NodeJoined,

    /// <summary>A node's lease lapsed.</summary>
    NodeDied,

    /// <summary>A node that was dead renews its lease again, with the data it had.</summary>
    NodeReturned,

    /// <summary>A node came back with another or an older data directory: its copies are made again.</summary>
    NodeLostData,

    /// <summary>A node was told to give its files away, or not to any more.</summary>
    NodeDraining,

    /// <summary>A draining node holds nothing any more and may be removed.</summary>
    NodeDrained,

    /// <summary>A node has reached its byte reserve, or has space again.</summary>
    NodeFull,

    /// <summary>Versions were accepted with fewer copies than the policy asks for, or lost some.</summary>
    CopiesOwed,

    /// <summary>Copies were made; nothing is owed any more.</summary>
    CopiesRepaid,

    /// <summary>A stored record fails its checksum or cannot be read.</summary>
    CopyDamaged,

    /// <summary>A damaged record was replaced from another copy.</summary>
    CopyRepaired,

    /// <summary>No good copy of a version is left.</summary>
    VersionLost,

    /// <summary>Files were moved from nodes that hold many to nodes that hold few.</summary>
    Rebalanced,

    /// <summary>Redis is empty or went back in time: writes wait until it is rebuilt from the nodes.</summary>
    MetadataLost,

    /// <summary>Redis was rebuilt from the nodes.</summary>
    MetadataRebuilt,

    /// <summary>Retention dropped versions, or an undo brought them back.</summary>
    RetentionApplied,

    /// <summary>A client's usual backup did not come, or came again.</summary>
    BackupOverdue,

    /// <summary>A backup changed strangely much; retention pauses for that client.</summary>
    BackupUnusual,
}

public enum EventSeverity
{
    Info,

    /// <summary>Something is worse than it should be, and the cluster works on it.</summary>
    Warning,

    /// <summary>Somebody must do something.</summary>
    Error,
}

/// <summary>Something the cluster noticed or did, kept for a while and shown to whoever looks after it.</summary>
/// <param name="Sequence">Ascending; names the event.</param>
/// <param name="TimeMs">Unix milliseconds of the cluster's clock.</param>
/// <param name="Subject">A node id, a client id, or "cluster".</param>
/// <param name="Message">One sentence for a person.</param>
public sealed record ClusterEvent(long Sequence, long TimeMs, EventKind Kind, EventSeverity Severity, string Subject, string Message, string? TraceId = null)
{
    /// <summary>The client it is about; null when it is about a node or the cluster.</summary>
    [JsonIgnore]
    public ClientId? Client => ClientId.TryParse(Subject, null, out var client) ? client : null;
}

/// <param name="After">Only events after this sequence; 0 for all that are kept.</param>
/// <param name="Limit">1 to <see cref="Limits.ListPageMax"/>; the newest of them are given when there are more.</param>
public sealed record EventsRequest(long After, int Limit);

/// <param name="Events">Oldest first.</param>
public sealed record EventsReply(ClusterEvent[] Events);

/// <param name="Drain">True empties the node and gives it no new files; false ends that.</param>
public sealed record DrainRequest(NodeId Node, bool Drain);

/// <summary>How far the making of copies is.</summary>
/// <param name="Running">A pass over all files is under way.</param>
/// <param name="Reasons">Why, a sentence each: a dead node, a draining one, debt, an uneven cluster.</param>
/// <param name="VersionsExamined">In this pass, or in the last one.</param>
/// <param name="VersionsLeft">Versions known to need copying and not copied yet.</param>
/// <param name="VersionsLost">Versions without any good copy on a node that is alive.</param>
/// <param name="StartedMs">Of this pass, or of the last one; 0 before the first.</param>
/// <param name="EndedMs">0 while it runs.</param>
public sealed record RepairStatus(
    bool Running, string[] Reasons, long VersionsExamined, long VersionsCopied, long BytesCopied, long VersionsLeft, long VersionsLost, long Failures, long StartedMs, long EndedMs);

/// <summary>Asks what the death of a node would mean.</summary>
/// <param name="From">How far the answer before had come; null at first.</param>
public sealed record WhatIfRequest(NodeId Node, WhatIfPlace? From = null);

/// <summary>How far a count over all files has come, and what it has come to by then.</summary>
/// <param name="Client">The client it has come to, and <paramref name="Path"/> of it, as the manager names places.</param>
public sealed record WhatIfPlace(string Client, string Path, long VersionsUnderCopied, long VersionsLost, long BytesToCopy);

/// <param name="Files">Files of which it holds a copy.</param>
/// <param name="VersionsUnderCopied">Versions that would have fewer copies than the policy asks for.</param>
/// <param name="VersionsLost">Of these, versions that no other node that is alive holds.</param>
/// <param name="BytesToCopy">What repair would read from the other copies, deduplication not taken off.</param>
/// <param name="Seconds">How long that would take at the pace of the last copying, or at a cautious guess.</param>
/// <param name="CanRepair">False when too few nodes would be left for the policy's copies.</param>
/// <param name="Next">Not all files were looked at yet: the same request with this goes on. Null when this is the answer.</param>
public sealed record WhatIfReply(NodeId Node, long Files, long VersionsUnderCopied, long VersionsLost, long BytesToCopy, double Seconds, bool CanRepair, WhatIfPlace? Next = null);

/// <summary>How far Redis is rebuilt from the nodes.</summary>
/// <param name="Running">Writes wait until it has ended.</param>
/// <param name="NodesLeft">Nodes whose inventory has not been read to its end.</param>
/// <param name="EndedMs">0 while it runs, and before the first.</param>
public sealed record RebuildStatus(bool Running, NodeId[] NodesLeft, long VersionsRestored, long StartedMs, long EndedMs);

/// <summary>Asks a node how its copies of some versions are.</summary>
/// <param name="Versions">At most <see cref="Limits.FilesPerCallMax"/>.</param>
public sealed record CopiesRequest(long[] Versions);

/// <summary>One copy of one version, as its node sees it.</summary>
/// <param name="Held">The node holds its manifest and every chunk.</param>
/// <param name="Damaged">Something of it failed a check; it is not served from here until it is repaired.</param>
/// <param name="VerifiedMs">When the last of its bytes was last read and found good: written counts, then each scrub. Known for whole packs only, it is never later than
/// that, and may lie before the version's own time: since its pack was begun, or because it shares chunks with earlier versions. Null when not held.</param>
public sealed record CopyState(long Version, bool Held, bool Damaged, long? VerifiedMs);

/// <param name="Copies">In the order of the request.</param>
public sealed record CopiesReply(CopyState[] Copies);
