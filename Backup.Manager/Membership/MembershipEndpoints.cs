using Backup.Protocol;
using Backup.ServiceDefaults;
using Microsoft.AspNetCore.Mvc;

namespace Backup.Manager;

/// <summary>The routes only nodes call.</summary>
public static class MembershipEndpoints
{
    public static RouteGroupBuilder MapMembership(this IEndpointRouteBuilder app)
    {
        var routes = app.MapGroup("");
        routes.MapPost(Routes.Register, ([FromBody] RegisterRequest request, [FromServices] IManager manager, CancellationToken ct) =>
            manager.RegisterAsync(request, ct)).Demand(Scope.Peer);
        routes.MapPost(Routes.Heartbeat, ([FromBody] HeartbeatRequest request, [FromServices] IManager manager, CancellationToken ct) =>
            manager.HeartbeatAsync(request, ct)).Demand(Scope.Peer);
        routes.MapPost(Routes.TokenCheck, ([FromBody] TokenCheckRequest request, [FromServices] ITokens tokens, CancellationToken ct) =>
            tokens.CheckAsync(request, ct)).Demand(Scope.Peer);
        return routes;
    }
}
