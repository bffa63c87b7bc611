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
        routes.MapPost(Routes.Place, (HttpContext http, [FromBody] PlaceRequest request, [FromServices] ICatalogue catalogue, CancellationToken ct) =>
            catalogue.PlaceAsync(http.Client(), request, ct));
        routes.MapPost(Routes.Commit, (HttpContext http, [FromBody] CommitRequest request, [FromServices] ICatalogue catalogue, CancellationToken ct) =>
            catalogue.CommitAsync(http.Client(), request, ct));
        routes.MapPost(Routes.List, (HttpContext http, [FromBody] ListRequest request, [FromServices] ICatalogue catalogue, CancellationToken ct) =>
            catalogue.ListAsync(http.Client(), request, ct));
        routes.MapPost(Routes.Lookup, (HttpContext http, [FromBody] LookupRequest request, [FromServices] ICatalogue catalogue, CancellationToken ct) =>
            catalogue.LookupAsync(http.Client(), request, ct));
        routes.MapPost(Routes.Versions, (HttpContext http, [FromBody] VersionsRequest request, [FromServices] ICatalogue catalogue, CancellationToken ct) =>
            catalogue.VersionsAsync(http.Client(), request, ct));
        routes.MapGet(Routes.Cluster, ([FromServices] ICatalogue catalogue, CancellationToken ct) => catalogue.ClusterAsync(ct));
        MapTime(routes);
        return routes;
    }

    /// <summary>Named moments, and what is kept of the past.</summary>
    private static void MapTime(RouteGroupBuilder routes)
    {
        routes.MapPost(Routes.Snapshot, (HttpContext http, [FromBody] SnapshotRequest request, [FromServices] ICatalogue catalogue, CancellationToken ct) =>
            catalogue.SnapshotAsync(http.Client(), request, ct));
        routes.MapGet(Routes.Snapshots, (HttpContext http, [FromServices] ICatalogue catalogue, CancellationToken ct) => catalogue.SnapshotsAsync(http.Client(), ct));
        routes.MapPost(Routes.SnapshotDelete, (HttpContext http, [FromBody] SnapshotDeleteRequest request, [FromServices] ICatalogue catalogue, CancellationToken ct) =>
            catalogue.DeleteSnapshotAsync(http.Client(), request, ct));
        routes.MapPost(Routes.Retention, (HttpContext http, [FromBody] RetentionRequest request, [FromServices] ICatalogue catalogue, CancellationToken ct) =>
            catalogue.RetainAsync(http.Client(), request, ct));
        routes.MapPost(Routes.RetentionUndo, (HttpContext http, [FromServices] ICatalogue catalogue, CancellationToken ct) => catalogue.UndoRetentionAsync(http.Client(), ct));
    }

    /// <summary>The one place that says on whose behalf a request is made.</summary>
    public static ClientId Client(this HttpContext http)
    {
        var values = http.Request.Headers[Headers.Client];
        return values.Count == 1 && ClientId.TryParse(values[0], null, out var id) ? id
            : throw new Failure(FailureCode.Unauthorized, $"The request needs one {Headers.Client} header of 32 hex digits.", "client",
                "Send the client's id; `backup` does so by itself.").Exception();
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
