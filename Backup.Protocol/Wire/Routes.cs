namespace Backup.Protocol;

/// <summary>Every path on the wire, used by the servers' maps and by the Refit interfaces alike.</summary>
public static class Routes
{
    // The catalogue: answered by the manager, and by every node, which asks the manager.
    public const string Place = "/v1/place";
    public const string Commit = "/v1/commit";
    public const string List = "/v1/list";
    public const string Lookup = "/v1/lookup";
    public const string Versions = "/v1/versions";
    public const string Cluster = "/v1/cluster";
    public const string Snapshots = "/v1/snapshots";
    public const string Snapshot = "/v1/snapshots/put";
    public const string SnapshotDelete = "/v1/snapshots/delete";
    public const string Retention = "/v1/retention";
    public const string RetentionUndo = "/v1/retention/undo";
    public const string Runs = "/v1/runs";
    public const string Drills = "/v1/runs/drills";

    // Looking after the cluster: answered as the catalogue is.
    public const string Events = "/v1/cluster/events";
    public const string Drain = "/v1/cluster/drain";
    public const string Repair = "/v1/cluster/repair";
    public const string Rebalance = "/v1/cluster/rebalance";
    public const string WhatIf = "/v1/cluster/what-if";
    public const string Rebuild = "/v1/cluster/rebuild";
    public const string Clients = "/v1/cluster/clients";
    public const string Quota = "/v1/cluster/clients/quota";
    public const string Fine = "/v1/cluster/clients/fine";

    // Who may do what: answered as the catalogue is.
    public const string Enrol = "/v1/enrol";
    public const string Invite = "/v1/invitations";
    public const string Tokens = "/v1/tokens";
    public const string Revoke = "/v1/tokens/revoke";

    // Nodes to the manager.
    public const string TokenCheck = "/v1/tokens/check";
    public const string Register = "/v1/nodes/register";
    public const string Heartbeat = "/v1/nodes/heartbeat";

    // Clients to a node.
    public const string Missing = "/v1/chunks/missing";
    public const string Segments = "/v1/segments";
    public const string Read = "/v1/read";
    public const string Copies = "/v1/copies";
    public const string Files = "/files/{**path}";

    // The manager to nodes.
    public const string Forget = "/v1/forget";
    public const string Collect = "/v1/collect";
    public const string Copy = "/v1/copy";
    public const string Held = "/v1/held";
    public const string Lacking = "/v1/lacking";
    public const string Inventory = "/v1/inventory";
    public const string Moments = "/v1/moments";

    // A node to another that holds the same version.
    public const string Records = "/v1/records";

    // A primary to its replica.
    public const string ReplicaSegments = "/v1/replica/segments";
}

/// <summary>The headers of our own.</summary>
public static class Headers
{
    /// <summary>The client on whose behalf the request is made: 32 hex digits. A token's own, where it is there at all; only processes of the cluster choose.</summary>
    public const string Client = "Backup-Client";

    /// <summary>The nodes a segment goes to, or the one node that is asked: ids, primary first, with commas between. Never addresses.</summary>
    public const string Nodes = "Backup-Nodes";

    /// <summary>The epoch of the placement.</summary>
    public const string Epoch = "Backup-Epoch";
}
