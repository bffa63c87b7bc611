using Backup.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Backup.ServiceDefaults;

/// <summary>The routes of whoever looks after the cluster, the same on the manager and on every node, as those of <see cref="CatalogueEndpoints"/>.</summary>
public static class OperatorEndpoints
{
    /// <summary>A node's name and a few numbers.</summary>
    private const long RequestBytesMax = 4 << 10;

    public static RouteGroupBuilder MapOperator(this IEndpointRouteBuilder app)
    {
        var routes = app.MapGroup("").WithMetadata(new RequestSizeLimitAttribute(RequestBytesMax));
        routes.MapPost(Routes.Events, ([FromBody] EventsRequest request, [FromServices] IOperator cluster, CancellationToken ct) => cluster.EventsAsync(request, ct)).Demand(Scope.List);
        routes.MapPost(Routes.Drain, ([FromBody] DrainRequest request, [FromServices] IOperator cluster, CancellationToken ct) => cluster.DrainAsync(request, ct)).Demand(Scope.Admin);
        routes.MapGet(Routes.Repair, ([FromServices] IOperator cluster, CancellationToken ct) => cluster.RepairStatusAsync(ct)).Demand(Scope.List);
        routes.MapPost(Routes.Repair, ([FromServices] IOperator cluster, CancellationToken ct) => cluster.RepairAsync(ct)).Demand(Scope.Admin);
        routes.MapPost(Routes.Rebalance, ([FromServices] IOperator cluster, CancellationToken ct) => cluster.RebalanceAsync(ct)).Demand(Scope.Admin);
        routes.MapPost(Routes.WhatIf, ([FromBody] WhatIfRequest request, [FromServices] IOperator cluster, CancellationToken ct) => cluster.WhatIfAsync(request, ct)).Demand(Scope.List);
        return routes;
    }
}
