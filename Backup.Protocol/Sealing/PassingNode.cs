namespace Backup.Protocol;

/// <summary>A node whose calls that carry names pass through something else on their way.</summary>
public abstract class PassingNode(INode node) : INode
{
    protected INode Node => node;

    public abstract Task<PlaceReply> PlaceAsync(ClientId client, PlaceRequest request, CancellationToken ct);

    public abstract Task<CommitReply> CommitAsync(ClientId client, CommitRequest request, CancellationToken ct);

    public abstract Task<ListReply> ListAsync(ClientId client, ListRequest request, CancellationToken ct);

    public abstract Task<LookupReply> LookupAsync(ClientId client, LookupRequest request, CancellationToken ct);

    public abstract Task<VersionsReply> VersionsAsync(ClientId client, VersionsRequest request, CancellationToken ct);

    public Task<ClusterStatus> ClusterAsync(CancellationToken ct) => node.ClusterAsync(ct);

    public Task<Snapshot> SnapshotAsync(ClientId client, SnapshotRequest request, CancellationToken ct) => node.SnapshotAsync(client, request, ct);

    public Task<SnapshotsReply> SnapshotsAsync(ClientId client, CancellationToken ct) => node.SnapshotsAsync(client, ct);

    public Task<SnapshotsReply> DeleteSnapshotAsync(ClientId client, SnapshotDeleteRequest request, CancellationToken ct) => node.DeleteSnapshotAsync(client, request, ct);

    public Task<RetentionReply> RetainAsync(ClientId client, RetentionRequest request, CancellationToken ct) => node.RetainAsync(client, request, ct);

    public Task<UndoReply> UndoRetentionAsync(ClientId client, CancellationToken ct) => node.UndoRetentionAsync(client, ct);

    public virtual Task<ClientStanding> ReportRunAsync(ClientId client, RunReport report, CancellationToken ct) => node.ReportRunAsync(client, report, ct);

    public Task<RunsReply> RunsAsync(ClientId client, CancellationToken ct) => node.RunsAsync(client, ct);

    public Task<RunsReply> DrillsAsync(ClientId client, CancellationToken ct) => node.DrillsAsync(client, ct);

    public Task<ClientsReply> ClientsAsync(CancellationToken ct) => node.ClientsAsync(ct);

    public Task<ClientStanding> QuotaAsync(QuotaRequest request, CancellationToken ct) => node.QuotaAsync(request, ct);

    public Task<ClientStanding> FineAsync(FineRequest request, CancellationToken ct) => node.FineAsync(request, ct);

    public Task<EventsReply> EventsAsync(EventsRequest request, CancellationToken ct) => node.EventsAsync(request, ct);

    public Task<ClusterStatus> DrainAsync(DrainRequest request, CancellationToken ct) => node.DrainAsync(request, ct);

    public Task<RepairStatus> RepairStatusAsync(CancellationToken ct) => node.RepairStatusAsync(ct);

    public Task<RepairStatus> RepairAsync(CancellationToken ct) => node.RepairAsync(ct);

    public Task<RepairStatus> RebalanceAsync(CancellationToken ct) => node.RebalanceAsync(ct);

    public Task<WhatIfReply> WhatIfAsync(WhatIfRequest request, CancellationToken ct) => node.WhatIfAsync(request, ct);

    public Task<RebuildStatus> RebuildStatusAsync(CancellationToken ct) => node.RebuildStatusAsync(ct);

    public Task<RebuildStatus> RebuildAsync(CancellationToken ct) => node.RebuildAsync(ct);

    public Task<EnrolReply> EnrolAsync(EnrolRequest request, CancellationToken ct) => node.EnrolAsync(request, ct);

    public Task<InviteReply> InviteAsync(InviteRequest request, CancellationToken ct) => node.InviteAsync(request, ct);

    public Task<TokensReply> TokensAsync(TokensRequest request, CancellationToken ct) => node.TokensAsync(request, ct);

    public Task<TokensReply> RevokeAsync(RevokeRequest request, CancellationToken ct) => node.RevokeAsync(request, ct);

    public Task<MissingReply> MissingAsync(ClientId client, string nodes, MissingRequest request, CancellationToken ct) => node.MissingAsync(client, nodes, request, ct);

    public Task<StoreReply> StoreAsync(ClientId client, string nodes, long epoch, HttpContent segment, CancellationToken ct) => node.StoreAsync(client, nodes, epoch, segment, ct);

    public Task<Stream> ReadAsync(ClientId client, string nodes, ReadRequest request, CancellationToken ct) => node.ReadAsync(client, nodes, request, ct);

    public Task<CopiesReply> CopiesAsync(ClientId client, string nodes, CopiesRequest request, CancellationToken ct) => node.CopiesAsync(client, nodes, request, ct);
}
