using Backup.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Backup.ServiceDefaults;

/// <summary>The rebuilding of the metadata: the same routes on the manager, which does it, and on every node, which asks the manager.</summary>
public static class RebuildEndpoints
{
    public static RouteGroupBuilder MapRebuild(this IEndpointRouteBuilder app)
    {
        var routes = app.MapGroup("");
        routes.MapGet(Routes.Rebuild, ([FromServices] IRebuilder rebuilder, CancellationToken ct) => rebuilder.RebuildStatusAsync(ct)).Demand(Scope.List);
        routes.MapPost(Routes.Rebuild, ([FromServices] IRebuilder rebuilder, CancellationToken ct) => rebuilder.RebuildAsync(ct)).Demand(Scope.Admin);
        return routes;
    }
}
