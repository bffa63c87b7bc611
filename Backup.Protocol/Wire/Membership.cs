using System.Text.Json.Serialization;

namespace Backup.Protocol;

/// <summary>How the manager sees a node.</summary>
public enum NodeState
{
    /// <summary>Renews its lease: takes and serves files.</summary>
    Alive,

    /// <summary>Its lease has lapsed.</summary>
    Dead,

    /// <summary>Alive and serving, but gets no new files because it is being emptied.</summary>
    Draining,

    /// <summary>Alive and serving, but gets no new files because it has reached its byte reserve.</summary>
    Full,
}

/// <summary>What a node says of its disk.</summary>
/// <param name="FreeBytes">Free for new data, the reserve already taken off; 0 makes it full.</param>
public sealed record NodeSpace(long FreeBytes, long TotalBytes, long StoredBytes);

/// <summary>A node's start. It gets a new epoch: work placed before it is refused afterwards.</summary>
/// <param name="Incarnation">Made when the data directory was first used; another one under the same id means the data is not the same.</param>
/// <param name="LastEpoch">The last epoch its data directory has seen. An older one than the manager gave it means that the directory is an old copy, a newer one that the metadata is; null when it does not say.</param>
/// <param name="Generation">The highest it has heard of: see <see cref="HeartbeatReply"/>.</param>
/// <param name="HoldsFiles">Whether it holds any version.</param>
/// <param name="MayLackVersions">Whether damage may have cost it versions that it knows nothing of: its copies are compared with what is placed on it, and it gets what it lacks.</param>
public sealed record RegisterRequest(
    NodeId Id, Uri Address, Guid Incarnation, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Zone, NodeSpace Space,
    long? LastEpoch = null, long Generation = 0, bool HoldsFiles = false, bool MayLackVersions = false);

/// <param name="Epoch">The node refuses placements of an older epoch.</param>
/// <param name="HeartbeatMs">How often to renew the lease.</param>
/// <param name="Peers">Every registered node, itself included.</param>
public sealed record RegisterReply(long Epoch, int HeartbeatMs, NodeRef[] Peers, long Generation = 0);

/// <param name="Damaged">Records the node holds damaged, and has not got back from another copy yet.</param>
public sealed record HeartbeatRequest(NodeId Id, Guid Incarnation, long Epoch, NodeSpace Space, long Generation = 0, long Damaged = 0);

/// <param name="MustRegister">The manager does not know this node, or its epoch is over: register again.</param>
/// <param name="Generation">Grows with every commit of the cluster. A node that has heard of a higher one knows that the metadata went back in time.</param>
public sealed record HeartbeatReply(bool MustRegister, NodeRef[] Peers, long Generation = 0);

/// <param name="Files">Files of which it holds a copy, reservations included: what placement goes by.</param>
/// <param name="Epoch">Since its last registration.</param>
/// <param name="Drained">It was being emptied, and holds nothing any more that is listed or may come back: it may be taken away.</param>
public sealed record NodeStatus(
    NodeId Id, Uri Address, NodeState State, long Files, long Epoch, Guid Incarnation, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Zone, NodeSpace Space, long LastSeenMs,
    bool Drained = false);

/// <param name="Healthy">All nodes that ever registered are alive, and enough of them take files for the policy's copies.</param>
/// <param name="Problems">What keeps it from being healthy, a sentence each; empty when it is.</param>
/// <param name="Reserved">Places given out and not committed yet.</param>
/// <param name="CopiesOwed">Versions with fewer copies than the policy asks for.</param>
/// <param name="Repair">How far the making of copies is; null while Redis cannot be asked.</param>
public sealed record ClusterStatus(
    bool Healthy, string[] Problems, NodeStatus[] Nodes, int Copies, long Clients, long Reserved, long NowMs, long CopiesOwed = 0, RepairStatus? Repair = null);
