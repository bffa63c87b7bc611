using Backup.Protocol;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Backup.ServiceDefaults;

/// <summary>What a route demands of its caller; it stands in the route's metadata, where a test reads it.</summary>
public sealed record Demanded(Scope Scope);

/// <summary>Each route says what it demands. One that says nothing is open to nobody.</summary>
public static class Demands
{
    private const string SchemeName = CallerHandler.SchemeName;

    /// <summary>What holds for a route that demands nothing: it answers nobody, whatever he shows. Where there is no route, anybody known is told so.</summary>
    public static readonly AuthorizationPolicy Nothing = new AuthorizationPolicyBuilder(SchemeName)
        .RequireAssertion(context => context.User is Caller && (context.Resource as HttpContext)?.GetEndpoint() is not RouteEndpoint).Build();

    public static TBuilder Demand<TBuilder>(this TBuilder route, Scope scope)
        where TBuilder : IEndpointConventionBuilder =>
        route.RequireAuthorization(policy => policy.AddAuthenticationSchemes(SchemeName)
            .RequireAssertion(context => context.User is Caller caller && caller.Scopes.HasFlag(scope))).WithMetadata(new Demanded(scope));

    public static Failure TooSmall(Scope scope, string what) => new(FailureCode.Forbidden, $"{what} demands the scope '{scope.Text()}', which what was shown does not have.",
        "client", scope == Scope.Peer ? "Only processes of the cluster ask this." : "Use a token with that scope, or ask for an invitation to one.");
}
