using Backup.Protocol;
using Microsoft.AspNetCore.Mvc;

namespace Backup.Manager;

/// <summary>The routes only nodes call.</summary>
public static class MembershipEndpoints
{
    public static RouteGroupBuilder MapMembership(this IEndpointRouteBuilder app)
    {
        var routes = app.MapGroup("");
        routes.MapPost(Routes.Register, ([FromBody] RegisterRequest request, [FromServices] IManager manager, CancellationToken ct) =>
            manager.RegisterAsync(request, ct));
        routes.MapPost(Routes.Heartbeat, ([FromBody] HeartbeatRequest request, [FromServices] IManager manager, CancellationToken ct) =>
            manager.HeartbeatAsync(request, ct));
        return routes;
    }
}
