using Backup.Protocol;
using Backup.ServiceDefaults;
using Microsoft.AspNetCore.Mvc;

namespace Backup.Storage.Copying;

/// <summary>What the manager asks of a node so that versions get their copies.</summary>
public static class CopyingEndpoints
{
    /// <summary>A thousand versions of at most 20 digits, with commas and some white space between.</summary>
    private const long RequestBytesMax = 64 << 10;

    public static void MapCopying(this IEndpointRouteBuilder app)
    {
        var routes = app.MapGroup("").WithMetadata(new RequestSizeLimitAttribute(RequestBytesMax));
        routes.MapPost(Routes.Copy, (HttpContext http, [FromBody] CopyRequest request, [FromServices] CopyRound copies, CancellationToken ct) => copies.RunAsync(http.Client(), request, ct)).Demand(Scope.Peer);
        routes.MapPost(Routes.Held, ([FromBody] HeldRequest request, [FromServices] Inventory inventory, CancellationToken ct) => inventory.PageAsync(request, ct)).Demand(Scope.Peer);
        routes.MapPost(Routes.Lacking, (HttpContext http, [FromBody] LackingRequest request, [FromServices] Inventory inventory) => inventory.Lacking(http.Client(), request)).Demand(Scope.Peer);
    }
}
