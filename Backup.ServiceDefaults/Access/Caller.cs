using System.Net;
using System.Security.Claims;
using Backup.Protocol;
using Microsoft.AspNetCore.Http;

namespace Backup.ServiceDefaults;

/// <summary>Who makes a request, once that is known.</summary>
public sealed class Caller(string name, Scope scopes, ClientId? client, Secret? invitation = null)
    : ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, name)], CallerHandler.SchemeName))
{
    /// <summary>A node id, "manager", "client …", "guest" or "invited".</summary>
    public string Name => name;

    public Scope Scopes => scopes;

    /// <summary>On whose behalf: a client's own id, or the one that a process of the cluster names; null when it names none.</summary>
    public ClientId? Client => client;

    /// <summary>What was shown by somebody who wants to enrol. Nobody has looked yet whether it is one.</summary>
    public Secret? Invitation => invitation;

    public bool IsPeer => scopes.HasFlag(Scope.Peer);
}

/// <summary>What endpoints ask of the caller.</summary>
public static class CallerOfRequest
{
    /// <summary>The caller; a route that can be reached without one has none to ask for.</summary>
    public static Caller Caller(this HttpContext http) => http.User as Caller ?? throw new InvalidOperationException("A route that is open to all asks who calls.");

    /// <summary>The one place that says on whose behalf a request is made.</summary>
    public static ClientId Client(this HttpContext http) => http.Caller().Client
        ?? throw new Failure(FailureCode.Unauthorized, $"The request needs one {Headers.Client} header of 32 hex digits.", "client",
            "Send the client's id; `backup` does so by itself.").Exception();

    /// <summary>
    /// Over loopback, and meant for it: a page in a browser on this machine can have a name of its own point to loopback, and
    /// then bears that name in the Host header.
    /// </summary>
    public static bool IsFromHere(this HttpContext http) => http.Connection is { RemoteIpAddress: { } remote, LocalIpAddress: { } local } && IPAddress.IsLoopback(remote) && IPAddress.IsLoopback(local)
        && (http.Request.Host.Host is "localhost" || (IPAddress.TryParse(http.Request.Host.Host.Trim('[', ']'), out var host) && IPAddress.IsLoopback(host)));

    /// <summary>For what only some bodies of a route demand beyond the route itself.</summary>
    public static void Require(this HttpContext http, Scope scope, string what)
    {
        if (!http.Caller().Scopes.HasFlag(scope))
            throw Demands.TooSmall(scope, what).Exception();
    }
}
