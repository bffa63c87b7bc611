using Backup.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;

namespace Backup.ServiceDefaults;

/// <summary>The routes about who may do what, the same on the manager and on every node, as those of the catalogue.</summary>
public static class AccessEndpoints
{
    /// <summary>Ids, hashes and numbers.</summary>
    private const long RequestBytesMax = 4 << 10;

    public static RouteGroupBuilder MapAccess(this IEndpointRouteBuilder app)
    {
        var routes = app.MapGroup("").WithMetadata(new RequestSizeLimitAttribute(RequestBytesMax));
        routes.MapPost(Routes.Enrol, EnrolAsync).Demand(Scope.Enrol);
        routes.MapPost(Routes.Invite, InviteAsync).Demand(Scope.Admin);
        routes.MapPost(Routes.Tokens, ([FromBody] TokensRequest request, [FromServices] IAccess access, CancellationToken ct) => access.TokensAsync(request, ct)).Demand(Scope.Admin);
        routes.MapPost(Routes.Revoke, ([FromBody] RevokeRequest request, [FromServices] IAccess access, CancellationToken ct) => access.RevokeAsync(request, ct)).Demand(Scope.Admin);
        return routes;
    }

    /// <summary>What a node was shown it passes on; a client's body says nothing about it.</summary>
    private static Task<EnrolReply> EnrolAsync(HttpContext http, [FromBody] EnrolRequest request, [FromServices] IAccess access, CancellationToken ct)
    {
        var caller = http.Caller();
        return access.EnrolAsync(caller.IsPeer ? request : request with { Invitation = caller.Invitation?.Reveal() }, ct);
    }

    /// <summary>Looking after the cluster opens nobody's files: a further token is made for the caller itself or for nobody who is known.</summary>
    private static Task<InviteReply> InviteAsync(HttpContext http, [FromBody] InviteRequest request, [FromServices] IAccess access, CancellationToken ct)
    {
        var caller = http.Caller();
        if (request.Client is { } client && !caller.IsPeer && client != caller.Client)
        {
            throw new Failure(FailureCode.Forbidden, "An invitation to a further token of a client is that client's own to give.", "client",
                "Ask with that client's token, or run `Backup.Manager invite --client ID` where the manager runs.").Exception();
        }
        return access.InviteAsync(request, ct);
    }
}
