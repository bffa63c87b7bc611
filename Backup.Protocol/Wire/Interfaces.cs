using Refit;

namespace Backup.Protocol;

/// <summary>
/// What is stored, and where. The manager answers; every node offers the same and asks the manager, so that a client
/// needs to know one node only. All calls may be repeated.
/// </summary>
public interface ICatalogue
{
    [Post(Routes.Place)]
    Task<PlaceReply> PlaceAsync([Header(Headers.Client)] ClientId client, [Body] PlaceRequest request, CancellationToken ct);

    [Post(Routes.Commit)]
    Task<CommitReply> CommitAsync([Header(Headers.Client)] ClientId client, [Body] CommitRequest request, CancellationToken ct);

    [Post(Routes.List)]
    Task<ListReply> ListAsync([Header(Headers.Client)] ClientId client, [Body] ListRequest request, CancellationToken ct);

    [Post(Routes.Lookup)]
    Task<LookupReply> LookupAsync([Header(Headers.Client)] ClientId client, [Body] LookupRequest request, CancellationToken ct);

    [Post(Routes.Versions)]
    Task<VersionsReply> VersionsAsync([Header(Headers.Client)] ClientId client, [Body] VersionsRequest request, CancellationToken ct);

    [Get(Routes.Cluster)]
    Task<ClusterStatus> ClusterAsync(CancellationToken ct);

    /// <summary>Names a moment, or pins a named one longer.</summary>
    [Post(Routes.Snapshot)]
    Task<Snapshot> SnapshotAsync([Header(Headers.Client)] ClientId client, [Body] SnapshotRequest request, CancellationToken ct);

    [Get(Routes.Snapshots)]
    Task<SnapshotsReply> SnapshotsAsync([Header(Headers.Client)] ClientId client, CancellationToken ct);

    /// <summary>Takes a name away; the versions stay until retention finds that no moment shows them. Refused while it is pinned.</summary>
    [Post(Routes.SnapshotDelete)]
    Task<SnapshotsReply> DeleteSnapshotAsync([Header(Headers.Client)] ClientId client, [Body] SnapshotDeleteRequest request, CancellationToken ct);

    /// <summary>Says what a policy keeps and drops, and drops it if told to. What is dropped can be brought back for a while.</summary>
    [Post(Routes.Retention)]
    Task<RetentionReply> RetainAsync([Header(Headers.Client)] ClientId client, [Body] RetentionRequest request, CancellationToken ct);

    /// <summary>Brings back everything that was dropped and is not gone for good yet.</summary>
    [Post(Routes.RetentionUndo)]
    Task<UndoReply> UndoRetentionAsync([Header(Headers.Client)] ClientId client, CancellationToken ct);

    /// <summary>Tells that a backup, a drill or a verification has ended.</summary>
    /// <returns>How the cluster sees the client now.</returns>
    [Post(Routes.Runs)]
    Task<ClientStanding> ReportRunAsync([Header(Headers.Client)] ClientId client, [Body] RunReport report, CancellationToken ct);

    /// <summary>The last runs of all kinds that were told.</summary>
    [Get(Routes.Runs)]
    Task<RunsReply> RunsAsync([Header(Headers.Client)] ClientId client, CancellationToken ct);

    /// <summary>The last drills that were told.</summary>
    [Get(Routes.Drills)]
    Task<RunsReply> DrillsAsync([Header(Headers.Client)] ClientId client, CancellationToken ct);
}

/// <summary>
/// What whoever looks after the cluster asks of it. The manager answers; every node offers the same and asks the manager.
/// All calls may be repeated.
/// </summary>
public interface IOperator
{
    [Post(Routes.Events)]
    Task<EventsReply> EventsAsync([Body] EventsRequest request, CancellationToken ct);

    /// <summary>Starts or ends the emptying of a node.</summary>
    [Post(Routes.Drain)]
    Task<ClusterStatus> DrainAsync([Body] DrainRequest request, CancellationToken ct);

    [Get(Routes.Repair)]
    Task<RepairStatus> RepairStatusAsync(CancellationToken ct);

    /// <summary>Begins a pass over all files now instead of when something is noticed.</summary>
    [Post(Routes.Repair)]
    Task<RepairStatus> RepairAsync(CancellationToken ct);

    /// <summary>Evens the file counts of the nodes.</summary>
    [Post(Routes.Rebalance)]
    Task<RepairStatus> RebalanceAsync(CancellationToken ct);

    [Post(Routes.WhatIf)]
    Task<WhatIfReply> WhatIfAsync([Body] WhatIfRequest request, CancellationToken ct);

    /// <summary>When clients backed up last, and what is strange about it.</summary>
    [Get(Routes.Clients)]
    Task<ClientsReply> ClientsAsync(CancellationToken ct);

    /// <summary>Says how much a client may store.</summary>
    [Post(Routes.Quota)]
    Task<ClientStanding> QuotaAsync([Body] QuotaRequest request, CancellationToken ct);

    /// <summary>Says that what a client did is fine: retention goes on for it.</summary>
    [Post(Routes.Fine)]
    Task<ClientStanding> FineAsync([Body] FineRequest request, CancellationToken ct);
}

/// <summary>Makes the metadata anew. All calls may be repeated.</summary>
public interface IRebuilder
{
    [Get(Routes.Rebuild)]
    Task<RebuildStatus> RebuildStatusAsync(CancellationToken ct);

    /// <summary>Makes Redis anew from what the nodes hold. What Redis knows and the nodes do not is kept.</summary>
    [Post(Routes.Rebuild)]
    Task<RebuildStatus> RebuildAsync(CancellationToken ct);
}

/// <summary>Who may do what. The manager answers; every node offers the same and asks the manager. All calls may be repeated.</summary>
public interface IAccess
{
    [Post(Routes.Enrol)]
    Task<EnrolReply> EnrolAsync([Body] EnrolRequest request, CancellationToken ct);

    [Post(Routes.Invite)]
    Task<InviteReply> InviteAsync([Body] InviteRequest request, CancellationToken ct);

    [Post(Routes.Tokens)]
    Task<TokensReply> TokensAsync([Body] TokensRequest request, CancellationToken ct);

    /// <summary>Within seconds no server takes the token any more.</summary>
    [Post(Routes.Revoke)]
    Task<TokensReply> RevokeAsync([Body] RevokeRequest request, CancellationToken ct);
}

/// <summary>Whoever knows what a token is good for: the manager, and for a node the manager asked.</summary>
public interface ITokens
{
    [Post(Routes.TokenCheck)]
    Task<TokenCheckReply> CheckAsync([Body] TokenCheckRequest request, CancellationToken ct);
}

/// <summary>A node towards the manager.</summary>
public interface IManager : ICatalogue, IOperator
{
    [Post(Routes.Register)]
    Task<RegisterReply> RegisterAsync([Body] RegisterRequest request, CancellationToken ct);

    [Post(Routes.Heartbeat)]
    Task<HeartbeatReply> HeartbeatAsync([Body] HeartbeatRequest request, CancellationToken ct);
}

/// <summary>A client towards any node. What another node must answer is passed on to it.</summary>
public interface INode : ICatalogue, IOperator, IRebuilder, IAccess
{
    /// <summary>Which chunks the first of these nodes lacks.</summary>
    [Post(Routes.Missing)]
    Task<MissingReply> MissingAsync(
        [Header(Headers.Client)] ClientId client, [Header(Headers.Nodes)] string nodes, [Body] MissingRequest request, CancellationToken ct);

    /// <summary>④ Sends a segment: records one after the other. The answer means that it is durable on all of these nodes.</summary>
    [Put(Routes.Segments)]
    Task<StoreReply> StoreAsync(
        [Header(Headers.Client)] ClientId client, [Header(Headers.Nodes)] string nodes, [Header(Headers.Epoch)] long epoch, [Body] HttpContent segment, CancellationToken ct);

    /// <summary>Reads versions from the first of these nodes. The stream holds records; the caller disposes it.</summary>
    [Post(Routes.Read)]
    Task<Stream> ReadAsync(
        [Header(Headers.Client)] ClientId client, [Header(Headers.Nodes)] string nodes, [Body] ReadRequest request, CancellationToken ct);

    /// <summary>How the copies that the first of these nodes holds are, and when they were last verified.</summary>
    [Post(Routes.Copies)]
    Task<CopiesReply> CopiesAsync(
        [Header(Headers.Client)] ClientId client, [Header(Headers.Nodes)] string nodes, [Body] CopiesRequest request, CancellationToken ct);
}

/// <summary>The manager towards a node whose holdings it reads.</summary>
public interface IInventory
{
    [Post(Routes.Inventory)]
    Task<InventoryReply> InventoryAsync([Body] InventoryRequest request, CancellationToken ct);

    /// <summary>On return the node keeps them durably, unless it keeps newer ones.</summary>
    [Put(Routes.Moments)]
    Task KeepAsync([Body] ClientMoments moments, CancellationToken ct);
}

/// <summary>The manager towards a node.</summary>
public interface ICollector
{
    /// <summary>The node forgets these versions for good. Repeating it changes nothing.</summary>
    [Post(Routes.Forget)]
    Task<ForgetReply> ForgetAsync([Header(Headers.Client)] ClientId client, [Body] ForgetRequest request, CancellationToken ct);

    /// <summary>Frees what no version needs any more, now instead of in the background's time.</summary>
    [Post(Routes.Collect)]
    Task<CollectReply> CollectAsync(CancellationToken ct);
}

/// <summary>A node towards another that holds the same version.</summary>
public interface IRecordSource
{
    /// <summary>Those of these records that it holds and finds good, one after the other. The caller verifies each, and disposes the stream.</summary>
    [Post(Routes.Records)]
    Task<Stream> RecordsAsync([Header(Headers.Client)] ClientId client, [Body] RecordsRequest request, CancellationToken ct);
}

/// <summary>The manager towards a node, about the copies of versions that are committed.</summary>
public interface ICopier
{
    /// <summary>The node copies versions it holds to another node, as a primary would. Repeating it sends nothing twice.</summary>
    [Post(Routes.Copy)]
    Task<CopyReply> CopyAsync([Header(Headers.Client)] ClientId client, [Body] CopyRequest request, CancellationToken ct);

    /// <summary>A page of what the node holds, of all clients.</summary>
    [Post(Routes.Held)]
    Task<HeldReply> HeldAsync([Body] HeldRequest request, CancellationToken ct);

    /// <summary>Which of these versions the node does not hold.</summary>
    [Post(Routes.Lacking)]
    Task<LackingReply> LackingAsync([Header(Headers.Client)] ClientId client, [Body] LackingRequest request, CancellationToken ct);
}

/// <summary>A primary towards its replica.</summary>
public interface IReplica
{
    /// <summary>⑤ Passes on the same bytes while they arrive. The answer means that they are durable there.</summary>
    [Put(Routes.ReplicaSegments)]
    Task<StoreReply> StoreReplicaAsync(
        [Header(Headers.Client)] ClientId client, [Header(Headers.Nodes)] string nodes, [Header(Headers.Epoch)] long epoch, [Body] HttpContent segment, CancellationToken ct);
}
