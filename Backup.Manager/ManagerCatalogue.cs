using Backup.Manager.Alarms;
using Backup.Protocol;

namespace Backup.Manager;

/// <summary>The manager behind its routes. It holds nothing: any number of them may run on one Redis.</summary>
public sealed class ManagerCatalogue(Placer placer, Committer committer, Listing listing, Registry registry, Status status, Collection.Snapshots snapshots, Collection.Retention retention,
    Collection.Drops drops, EventLog events, RepairRequests repair, WhatIf whatIf, MomentKeeper moments, ClientRuns runs) : IManager
{
    public Task<PlaceReply> PlaceAsync(ClientId client, PlaceRequest request, CancellationToken ct) => placer.PlaceAsync(client, request, ct);

    public Task<CommitReply> CommitAsync(ClientId client, CommitRequest request, CancellationToken ct) => committer.CommitAsync(client, request, ct);

    public Task<ListReply> ListAsync(ClientId client, ListRequest request, CancellationToken ct) => listing.ListAsync(client, request, ct);

    public Task<LookupReply> LookupAsync(ClientId client, LookupRequest request, CancellationToken ct) => listing.LookupAsync(client, request, ct);

    public Task<VersionsReply> VersionsAsync(ClientId client, VersionsRequest request, CancellationToken ct) => listing.VersionsAsync(client, request, ct);

    public Task<ClusterStatus> ClusterAsync(CancellationToken ct) => status.ReadAsync(ct);

    public Task<RegisterReply> RegisterAsync(RegisterRequest request, CancellationToken ct) => registry.RegisterAsync(request, ct);

    public Task<HeartbeatReply> HeartbeatAsync(HeartbeatRequest request, CancellationToken ct) => registry.HeartbeatAsync(request, ct);

    public Task<EventsReply> EventsAsync(EventsRequest request, CancellationToken ct) => events.ReadAsync(request, ct);

    public async Task<ClusterStatus> DrainAsync(DrainRequest request, CancellationToken ct)
    {
        await registry.DrainAsync(request.Node, request.Drain, ct);
        return await status.ReadAsync(ct);
    }

    public Task<RepairStatus> RepairStatusAsync(CancellationToken ct) => repair.ReadAsync(ct);

    public Task<RepairStatus> RepairAsync(CancellationToken ct) => repair.AskRepairAsync(ct);

    public Task<RepairStatus> RebalanceAsync(CancellationToken ct) => repair.AskRebalanceAsync(ct);

    public Task<WhatIfReply> WhatIfAsync(WhatIfRequest request, CancellationToken ct) => whatIf.AskAsync(request, ct);

    public Task<Snapshot> SnapshotAsync(ClientId client, SnapshotRequest request, CancellationToken ct) => KeepingAsync(client, snapshots.PutAsync(client, request, ct), ct);

    public async Task<SnapshotsReply> SnapshotsAsync(ClientId client, CancellationToken ct) => new(await snapshots.ListAsync(client, ct));

    public async Task<SnapshotsReply> DeleteSnapshotAsync(ClientId client, SnapshotDeleteRequest request, CancellationToken ct)
    {
        await snapshots.DropAsync(client, request.Name, ct);
        await moments.KeepAsync(client, ct);
        return new SnapshotsReply(await snapshots.ListAsync(client, ct));
    }

    public async Task<RetentionReply> RetainAsync(ClientId client, RetentionRequest request, CancellationToken ct)
    {
        var reply = await retention.RetainAsync(client, request, ct);
        // An answer that goes on after another takes snapshots away only where new ones have come: else nodes have been told.
        if (request.Apply && (request.After is null || reply.Dropped.Length > 0))
            await moments.KeepAsync(client, ct);
        return reply;
    }

    public Task<UndoReply> UndoRetentionAsync(ClientId client, CancellationToken ct) => KeepingAsync(client, drops.UndoAsync(client, ct), ct);

    public Task<ClientStanding> ReportRunAsync(ClientId client, RunReport report, CancellationToken ct) => runs.ReportAsync(client, report, ct);

    public Task<RunsReply> RunsAsync(ClientId client, CancellationToken ct) => runs.ReadAsync(client, null, ct);

    public Task<RunsReply> DrillsAsync(ClientId client, CancellationToken ct) => runs.ReadAsync(client, [RunKind.Drill], ct);

    public Task<ClientsReply> ClientsAsync(CancellationToken ct) => runs.ClientsAsync(ct);

    public Task<ClientStanding> QuotaAsync(QuotaRequest request, CancellationToken ct) => runs.QuotaAsync(request, ct);

    public Task<ClientStanding> FineAsync(FineRequest request, CancellationToken ct) => runs.FineAsync(request, ct);

    /// <summary>What changes the named moments of a client is answered once nodes keep them.</summary>
    private async Task<T> KeepingAsync<T>(ClientId client, Task<T> change, CancellationToken ct)
    {
        var done = await change;
        await moments.KeepAsync(client, ct);
        return done;
    }
}
