namespace Backup.Protocol;

/// <summary>A node and where clients reach it. Nodes themselves look peers up by id and never take an address from a request.</summary>
public sealed record NodeRef(NodeId Id, Uri Address);

/// <summary>A file that wants a place for its next version.</summary>
/// <param name="SizeBytes">What is known or guessed of its size; it only guards against full nodes.</param>
/// <param name="FirstChunk">The id of its first chunk where it has several or a large one: content that is stored already is placed beside itself.</param>
public sealed record PlaceFile(RootedPath Path, VersionKind Kind, long SizeBytes, ChunkId? FirstChunk = null);

/// <summary>② Asks for places for many files at once.</summary>
/// <param name="Operation">Chosen by the caller, 1 to 64 letters, digits and dashes; the same request may be repeated under the same name and gets the same answer.</param>
/// <param name="Files">At most <see cref="Limits.FilesPerCallMax"/>, each path once.</param>
/// <param name="Avoid">Nodes the caller has just seen fail. New places avoid them even where the manager does not know yet, and keep what else was chosen before.</param>
/// <param name="Together">All these files get the same nodes: they are the rest of a group whose node failed under way.</param>
public sealed record PlaceRequest(string Operation, PlaceFile[] Files, NodeId[]? Avoid = null, bool Together = false);

/// <summary>The nodes of some files, primary first, and the epoch in which they were chosen.</summary>
public sealed record Placement(NodeRef[] Nodes, long Epoch);

/// <summary>The place of one file.</summary>
/// <param name="Placement">Index into <see cref="PlaceReply.Placements"/>.</param>
/// <param name="Version">The number its next version will have.</param>
/// <param name="TimeMs">The time that version will bear, Unix milliseconds, from the cluster's clock.</param>
public sealed record PlacedFile(int Placement, long Version, long TimeMs);

/// <param name="ExpiresMs">When the reservation lapses, Unix milliseconds.</param>
/// <param name="Placements">Each distinct set of nodes once: files that share one travel together.</param>
/// <param name="Files">In the order of the request.</param>
/// <param name="Copies">Copies the policy asks for.</param>
public sealed record PlaceReply(string Operation, long ExpiresMs, Placement[] Placements, PlacedFile[] Files, int Copies);

/// <summary>A version that is durable on its nodes and wants to become visible.</summary>
/// <param name="Nodes">The nodes that acknowledged it, primary first.</param>
/// <param name="FirstChunk">The id of its first chunk, for files of at least <see cref="Limits.HintBytesMin"/>; else null.</param>
public sealed record CommitFile(
    RootedPath Path, long Version, VersionKind Kind, long SizeBytes, ChunkId Digest, long MtimeNs, int Mode, NodeId[] Nodes, string? TraceId = null, ChunkId? FirstChunk = null);

/// <summary>⑥ Makes versions visible, all or none. Repeating it changes nothing.</summary>
public sealed record CommitRequest(string Operation, CommitFile[] Files);

/// <summary>What the client holds after a commit.</summary>
/// <param name="Nodes">The nodes that hold it, primary first.</param>
/// <param name="CopiesOwed">Copies the policy asks for and the cluster does not have yet.</param>
public sealed record Receipt(
    RootedPath Path, long Version, VersionKind Kind, long TimeMs, long SizeBytes, ChunkId Digest, NodeId[] Nodes, int CopiesOwed, string? TraceId = null);

/// <param name="Receipts">In the order of the request.</param>
public sealed record CommitReply(Receipt[] Receipts);
