using System.Text.Json.Serialization;

namespace Backup.Protocol;

/// <summary>Asks a node to copy versions of one client to another node.</summary>
/// <param name="To">The node that gets them; the one that is asked looks its address up.</param>
/// <param name="Nodes">What the copies' manifests name: who holds the versions afterwards, primary first. The one that is asked need not be among them.</param>
/// <param name="Epoch">Of the pass under which it is done. The receiving node refuses it when it has registered since.</param>
/// <param name="Versions">At most <see cref="Limits.FilesPerCallMax"/>.</param>
public sealed record CopyRequest(NodeId To, NodeId[] Nodes, long Epoch, long[] Versions);

/// <param name="Copied">Versions that are durable on the other node now.</param>
/// <param name="Bytes">Records that travelled.</param>
/// <param name="Failure">Why the last of the others was not copied; null when all were.</param>
public sealed record CopyReply(long[] Copied, long Bytes, Failure? Failure = null);

/// <summary>Where a page of what a node holds begins.</summary>
/// <param name="Client">Null for the first page.</param>
/// <param name="Version">Only versions of that client after this one, then the following clients.</param>
public sealed record HeldRequest([property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] ClientId? Client, long Version, int Limit);

/// <summary>A version whose manifest a node holds.</summary>
/// <param name="TimeMs">The time the version bears.</param>
/// <param name="Epoch">In which it was placed here.</param>
public sealed record HeldVersion(ClientId Client, long Version, RootedPath Path, long TimeMs, long Epoch);

/// <param name="Next">Ask for it next; null when this was the last page.</param>
public sealed record HeldReply(HeldVersion[] Versions, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] HeldRequest? Next);

/// <param name="Versions">At most <see cref="Limits.FilesPerCallMax"/>.</param>
public sealed record LackingRequest(long[] Versions);

public sealed record LackingReply(long[] Versions);
