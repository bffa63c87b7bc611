using Backup.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Backup.ServiceDefaults;

/// <summary>
/// The catalogue's routes, the same on the manager and on every node. What differs is the <see cref="ICatalogue"/> behind
/// them: the manager's own, or on a node the typed client of the manager.
/// </summary>
public static class CatalogueEndpoints
{
    /// <summary>A page of paths at their longest stays below this; the server's own limit of 30 MB would let one caller fill it.</summary>
    private const long RequestBytesMax = 8 << 20;

    public static RouteGroupBuilder MapCatalogue(this IEndpointRouteBuilder app)
    {
        var routes = app.MapGroup("").WithMetadata(new RequestSizeLimitAttribute(RequestBytesMax));
        routes.MapPost(Routes.Place, PlaceAsync).Demand(Scope.Append);
        routes.MapPost(Routes.Commit, CommitAsync).Demand(Scope.Append);
        routes.MapPost(Routes.List, (HttpContext http, [FromBody] ListRequest request, [FromServices] ICatalogue catalogue, CancellationToken ct) =>
            catalogue.ListAsync(http.Client(), request, ct)).Demand(Scope.List);
        routes.MapPost(Routes.Lookup, (HttpContext http, [FromBody] LookupRequest request, [FromServices] ICatalogue catalogue, CancellationToken ct) =>
            catalogue.LookupAsync(http.Client(), request, ct)).Demand(Scope.List);
        routes.MapPost(Routes.Versions, (HttpContext http, [FromBody] VersionsRequest request, [FromServices] ICatalogue catalogue, CancellationToken ct) =>
            catalogue.VersionsAsync(http.Client(), request, ct)).Demand(Scope.List);
        routes.MapGet(Routes.Cluster, ([FromServices] ICatalogue catalogue, CancellationToken ct) => catalogue.ClusterAsync(ct)).Demand(Scope.List);
        MapTime(routes);
        MapRuns(routes);
        return routes;
    }

    /// <summary>Named moments, and what is kept of the past.</summary>
    private static void MapTime(RouteGroupBuilder routes)
    {
        routes.MapPost(Routes.Snapshot, (HttpContext http, [FromBody] SnapshotRequest request, [FromServices] ICatalogue catalogue, CancellationToken ct) =>
            catalogue.SnapshotAsync(http.Client(), request, ct)).Demand(Scope.Append);
        routes.MapGet(Routes.Snapshots, (HttpContext http, [FromServices] ICatalogue catalogue, CancellationToken ct) =>
            catalogue.SnapshotsAsync(http.Client(), ct)).Demand(Scope.List);
        routes.MapPost(Routes.SnapshotDelete, (HttpContext http, [FromBody] SnapshotDeleteRequest request, [FromServices] ICatalogue catalogue, CancellationToken ct) =>
            catalogue.DeleteSnapshotAsync(http.Client(), request, ct)).Demand(Scope.Delete);
        routes.MapPost(Routes.Retention, RetainAsync).Demand(Scope.List);
        routes.MapPost(Routes.RetentionUndo, (HttpContext http, [FromServices] ICatalogue catalogue, CancellationToken ct) =>
            catalogue.UndoRetentionAsync(http.Client(), ct)).Demand(Scope.Append);
    }

    /// <summary>What clients did, and how it ended.</summary>
    private static void MapRuns(RouteGroupBuilder routes)
    {
        routes.MapPost(Routes.Runs, ReportRunAsync).Demand(Scope.List);
        routes.MapGet(Routes.Runs, (HttpContext http, [FromServices] ICatalogue catalogue, CancellationToken ct) =>
            catalogue.RunsAsync(http.Client(), ct)).Demand(Scope.List);
        routes.MapGet(Routes.Drills, (HttpContext http, [FromServices] ICatalogue catalogue, CancellationToken ct) =>
            catalogue.DrillsAsync(http.Client(), ct)).Demand(Scope.List);
    }

    /// <summary>Who may only read tells of his drills; that a backup came is for who can make one.</summary>
    private static Task<ClientStanding> ReportRunAsync(HttpContext http, [FromBody] RunReport report, [FromServices] ICatalogue catalogue, CancellationToken ct)
    {
        if (report.Kind == RunKind.Backup)
            http.Require(Scope.Append, "Telling of a backup");
        return catalogue.ReportRunAsync(http.Client(), report, ct);
    }

    /// <summary>A tombstone is a version like any other, and hides the ones before it: that is deleting.</summary>
    private static Task<PlaceReply> PlaceAsync(HttpContext http, [FromBody] PlaceRequest request, [FromServices] ICatalogue catalogue, CancellationToken ct)
    {
        if (request.Files.Any(file => file is { Kind: VersionKind.Tombstone }))
            http.Require(Scope.Delete, "Deleting a file");
        return catalogue.PlaceAsync(http.Client(), request, ct);
    }

    private static Task<CommitReply> CommitAsync(HttpContext http, [FromBody] CommitRequest request, [FromServices] ICatalogue catalogue, CancellationToken ct)
    {
        if (request.Files.Any(file => file is { Kind: VersionKind.Tombstone }))
            http.Require(Scope.Delete, "Deleting a file");
        return catalogue.CommitAsync(http.Client(), request, ct);
    }

    /// <summary>To look at what a policy would do takes less than to do it.</summary>
    private static Task<RetentionReply> RetainAsync(HttpContext http, [FromBody] RetentionRequest request, [FromServices] ICatalogue catalogue, CancellationToken ct)
    {
        if (request.Apply)
            http.Require(Scope.Delete, "Applying retention");
        return catalogue.RetainAsync(http.Client(), request, ct);
    }

    /// <summary>The nodes a request names, primary first.</summary>
    public static NodeId[] Nodes(this HttpContext http)
    {
        var values = http.Request.Headers[Headers.Nodes];
        var names = values.Count == 1 ? values[0]!.Split(',', Limits.CopiesMax + 1) : [];
        var nodes = new NodeId[names.Length];
        for (var i = 0; i < names.Length; i++)
        {
            if (!NodeId.TryParse(names[i], null, out nodes[i]))
                throw Failure.InvalidRequest($"'{Headers.Nodes}' holds something that is no node id.").Exception();
        }
        return nodes.Length is > 0 and <= Limits.CopiesMax && nodes.Distinct().Count() == nodes.Length ? nodes
            : throw Failure.InvalidRequest($"The request needs one {Headers.Nodes} header of 1 to {Limits.CopiesMax} distinct node ids.").Exception();
    }
}
