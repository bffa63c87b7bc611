namespace Backup.Protocol;

/// <summary>Asks which of these chunks of the client a placement's nodes lack.</summary>
/// <param name="Chunks">At most <see cref="Limits.SegmentRecordsMax"/>.</param>
public sealed record MissingRequest(ChunkId[] Chunks);

/// <param name="Missing">Indexes into the request, ascending.</param>
public sealed record MissingReply(int[] Missing);

/// <summary>The answer to a segment: all of it is durable on all of these nodes.</summary>
/// <param name="Nodes">Primary first.</param>
/// <param name="Records">Records that were new to the node that answers.</param>
public sealed record StoreReply(NodeId[] Nodes, int Records, long Bytes);

/// <summary>One version to read.</summary>
/// <param name="FirstChunk">Its chunks are sent from this index on, and the manifest only with index 0: how a broken read goes on elsewhere.</param>
public sealed record ReadItem(long Version, long FirstChunk = 0);

/// <summary>
/// Asks for versions as a stream of records: of each its manifest, then its chunks in the file's order, where there are lists
/// each list right before the chunks it names. A failure in mid-stream is its last record.
/// </summary>
public sealed record ReadRequest(ReadItem[] Items);
