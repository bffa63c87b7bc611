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
        routes.MapPost(Routes.Events, EventsAsync).Demand(Scope.List);
        routes.MapPost(Routes.Drain, ([FromBody] DrainRequest request, [FromServices] IOperator cluster, CancellationToken ct) => cluster.DrainAsync(request, ct)).Demand(Scope.Admin);
        routes.MapGet(Routes.Repair, ([FromServices] IOperator cluster, CancellationToken ct) => cluster.RepairStatusAsync(ct)).Demand(Scope.List);
        routes.MapPost(Routes.Repair, ([FromServices] IOperator cluster, CancellationToken ct) => cluster.RepairAsync(ct)).Demand(Scope.Admin);
        routes.MapPost(Routes.Rebalance, ([FromServices] IOperator cluster, CancellationToken ct) => cluster.RebalanceAsync(ct)).Demand(Scope.Admin);
        routes.MapPost(Routes.WhatIf, ([FromBody] WhatIfRequest request, [FromServices] IOperator cluster, CancellationToken ct) => cluster.WhatIfAsync(request, ct)).Demand(Scope.List);
        routes.MapGet(Routes.Clients, ClientsAsync).Demand(Scope.List);
        routes.MapPost(Routes.Quota, ([FromBody] QuotaRequest request, [FromServices] IOperator cluster, CancellationToken ct) => cluster.QuotaAsync(request, ct)).Demand(Scope.Admin);
        routes.MapPost(Routes.Fine, ([FromBody] FineRequest request, [FromServices] IOperator cluster, CancellationToken ct) => cluster.FineAsync(request, ct)).Demand(Scope.Admin);
        return routes;
    }

    private static async Task<EventsReply> EventsAsync(HttpContext http, [FromBody] EventsRequest request, [FromServices] IOperator cluster, CancellationToken ct)
    {
        var reply = await cluster.EventsAsync(request, ct);
        return new EventsReply([.. reply.Events.Where(e => e.Client is not { } client || MaySee(http, client))]);
    }

    private static async Task<ClientsReply> ClientsAsync(HttpContext http, [FromServices] IOperator cluster, CancellationToken ct)
    {
        var reply = await cluster.ClientsAsync(ct);
        return new ClientsReply([.. reply.Clients.Where(standing => MaySee(http, standing.Client))]);
    }

    /// <summary>A client learns of itself; who looks after the cluster, of all.</summary>
    private static bool MaySee(HttpContext http, ClientId client) => http.Caller() is var caller && ((caller.Scopes & (Scope.Admin | Scope.Peer)) != 0 || caller.Client == client);
}
