using System.Text.Encodings.Web;
using Backup.Protocol;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Backup.ServiceDefaults;

/// <summary>
/// Finds out who calls, for every route of every server: a client by its token, a process of the cluster by a grant, somebody
/// who wants to enrol by an invitation, the guest by nothing but loopback. Whatever is wrong is a failure that says so, at once.
/// </summary>
public sealed class CallerHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, ITokens tokens, GrantCheck grants, IOptions<SecurityOptions> security)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public const string SchemeName = "Backup";

    /// <summary>Whose files nobody has: what is asked before a root has an id of its own.</summary>
    private static readonly Caller NobodyAsksWhatThereIs = new("guest", Scope.List, ClientId.Nobody);

    private static readonly Caller Guest = new("guest", Scopes.OfTokens | Scope.Enrol, ClientId.Guest);

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        // Health is asked often and by anybody: it must not cost a question to the manager.
        if (Context.GetEndpoint()?.Metadata.GetMetadata<IAllowAnonymous>() is not null)
            return AuthenticateResult.NoResult();
        var caller = await IdentifyAsync();
        return caller is null ? AuthenticateResult.NoResult() : AuthenticateResult.Success(new AuthenticationTicket(caller, SchemeName));
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties) => throw Unauthorized(
        "The request shows no token.", "Run `backup`, which enrols by itself on this machine; elsewhere ask for an invitation.").Exception();

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties)
    {
        var demanded = Context.GetEndpoint()?.Metadata.GetMetadata<Demanded>();
        throw (demanded is not null ? Demands.TooSmall(demanded.Scope, $"{Request.Method} {Request.Path}")
            : new Failure(FailureCode.Forbidden, $"{Request.Method} {Request.Path} is open to nobody.", "client", "Use a route that is.")).Exception();
    }

    private async Task<Caller?> IdentifyAsync()
    {
        var values = Request.Headers.Authorization;
        var client = ClientNamed();
        if (values.Count == 0)
            return Context.IsFromHere() && security.Value.IsLoopbackOpen ? GuestFor(client) : null;
        if (values.Count > 1 || values[0]!.Split(' ', 2) is not [var scheme, var shown])
            throw Unauthorized("The request needs one Authorization header of two words.", "Send 'Authorization: Bearer TOKEN'.").Exception();
        if (scheme.Equals(Shown.TokenScheme, StringComparison.OrdinalIgnoreCase))
            return await OfTokenAsync(shown, client);
        if (scheme.Equals(Grant.Scheme, StringComparison.OrdinalIgnoreCase))
            return new Caller(grants.Check(shown, Requested()), Scopes.All, client);
        if (scheme.Equals(Shown.InvitationScheme, StringComparison.OrdinalIgnoreCase) && Secret.TryParse(shown, out var invitation))
            return new Caller("invited", Scope.Enrol, null, invitation);
        throw Unauthorized("The Authorization header is of no kind that is known here.", "Send 'Authorization: Bearer TOKEN'.").Exception();
    }

    private async Task<Caller> OfTokenAsync(string shown, ClientId? named)
    {
        if (!AccessToken.TryParse(shown, out var token))
            throw Unauthorized("What was shown is no token.", "Check that it was copied whole.").Exception();
        var found = await tokens.CheckAsync(new TokenCheckRequest(token.Client, token.Secret.Hash), Context.RequestAborted);
        if (found.Standing != TokenStanding.Valid)
        {
            throw Unauthorized(found.Standing switch
            {
                TokenStanding.Expired => "The token has expired.",
                TokenStanding.Revoked => "The token was revoked.",
                _ => "The token is not known here.",
            }, "Ask for an invitation to a new one.").Exception();
        }
        if (named is not null && named != token.Client)
            throw OtherClient().Exception();
        return new Caller($"client {token.Client}", found.Scopes & Scopes.OfTokens, token.Client);
    }

    private static Caller GuestFor(ClientId? named) =>
        named is null || named == ClientId.Guest ? Guest
        : named == ClientId.Nobody ? NobodyAsksWhatThereIs
        : throw Unauthorized($"Without a token nobody acts for client {named}.", "Run `backup`, which enrols by itself on this machine; elsewhere ask for an invitation.").Exception();

    private ClientId? ClientNamed()
    {
        var values = Request.Headers[Headers.Client];
        return values.Count == 0 ? null
            : values.Count == 1 && ClientId.TryParse(values[0], null, out var id) ? id
            : throw Unauthorized($"{Headers.Client} must be one client id of 32 hex digits.", "Leave it out: a token says whose it is.").Exception();
    }

    private GrantedRequest Requested() => new(Request.Method, Context.Features.Get<IHttpRequestFeature>()!.RawTarget,
        Request.Headers[Headers.Client].ToString(), Request.Headers[Headers.Nodes].ToString(), Request.Headers[Headers.Epoch].ToString(), Request.ContentLength ?? 0);

    private static Failure OtherClient() => new(FailureCode.Forbidden, $"The token is another client's than {Headers.Client} names.", "client", "Leave that header out: a token says whose it is.");

    private static Failure Unauthorized(string message, string advice) => new(FailureCode.Unauthorized, message, "client", advice);
}
