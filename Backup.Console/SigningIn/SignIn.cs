using System.Net;
using Backup.Protocol;
using Backup.ServiceDefaults;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Backup.WebConsole.SigningIn;

/// <summary>Who may come in, and the cookie that says so afterwards.</summary>
public sealed class SignIn(ITokens tokens, IOptions<SecurityOptions> security)
{
    public const string Path = "/console/sign-in";
    public const string OutPath = "/console/sign-out";

    /// <summary>A working day.</summary>
    private static readonly TimeSpan StayTime = TimeSpan.FromHours(12);

    public static void Configure(CookieAuthenticationOptions cookie)
    {
        cookie.Cookie.Name = Visitor.Scheme;
        cookie.Cookie.HttpOnly = true;
        cookie.Cookie.SameSite = SameSiteMode.Strict;
        cookie.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
        cookie.ExpireTimeSpan = StayTime;
        cookie.SlidingExpiration = true;
        cookie.Events.OnValidatePrincipal = ValidateAsync;
        cookie.Events.OnRedirectToLogin = context => RefuseAsync(context.HttpContext);
        cookie.Events.OnRedirectToAccessDenied = context => RefuseAsync(context.HttpContext);
    }

    /// <summary>A token that was revoked or has expired since lets nobody stay, and one that became smaller makes him smaller.</summary>
    private static async Task ValidateAsync(CookieValidatePrincipalContext context)
    {
        var signIn = context.HttpContext.RequestServices.GetRequiredService<SignIn>();
        var visitor = context.Principal is null ? null : Visitor.Of(context.Principal);
        var now = visitor?.TokenHash is { } hash ? await signIn.AsOfNowAsync(visitor.Client, hash, context.HttpContext.RequestAborted) : signIn.WithoutQuestion(context.HttpContext);
        if (visitor is null || now is null)
            context.RejectPrincipal();
        else
            context.ReplacePrincipal(now.ToPrincipal());
    }

    /// <summary>The visitor as he is now: a page is open for hours, and his token may be revoked meanwhile.</summary>
    /// <exception cref="FailureException">It was.</exception>
    public async Task<Visitor> AgainAsync(Visitor visitor, CancellationToken ct) => visitor.TokenHash is not { } hash ? visitor
        : await AsOfNowAsync(visitor.Client, hash, ct) ?? throw new Failure(FailureCode.Unauthorized, "The token you signed in with is not valid any more.", "client",
            "Sign in with another one.").Exception();

    private async Task<Visitor?> AsOfNowAsync(ClientId client, string tokenHash, CancellationToken ct)
    {
        var found = await tokens.CheckAsync(new TokenCheckRequest(client, tokenHash), ct);
        return found.Standing == TokenStanding.Valid && found.Scopes.HasFlag(Scope.List) ? new Visitor(client, found.Scopes, tokenHash) : null;
    }

    public static async Task<bool> IsSignedInAsync(HttpContext http)
    {
        var found = await http.AuthenticateAsync(Visitor.Scheme);
        if (found.Principal is null || Visitor.Of(found.Principal) is null)
            return false;
        http.User = found.Principal;
        return true;
    }

    /// <summary>A page is answered with the way to the sign-in page, everything else with a refusal.</summary>
    public static Task RefuseAsync(HttpContext http)
    {
        if (HttpMethods.IsGet(http.Request.Method) && http.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.Ordinal))
            http.Response.Redirect($"{Path}?to={Uri.EscapeDataString(http.Request.Path + http.Request.QueryString)}");
        else
            http.Response.StatusCode = StatusCodes.Status401Unauthorized;
        return Task.CompletedTask;
    }

    /// <summary>
    /// In the development setting, who comes from this machine, to this machine's own name, is let in as the guest, as he is on
    /// every other route. Null for others.
    /// </summary>
    /// <remarks>The name is looked at because a page elsewhere can have its own name lead here.</remarks>
    public Visitor? WithoutQuestion(HttpContext http) =>
        security.Value.IsLoopbackOpen && http.IsFromHere() ? new Visitor(ClientId.Guest, Scopes.OfTokens, null) : null;

    /// <summary>What somebody typed into the sign-in page: a token. Null when it is none that is valid and may see anything.</summary>
    public async Task<Visitor?> WithAsync(string? typed, CancellationToken ct) =>
        AccessToken.TryParse(typed?.Trim(), out var token) ? await AsOfNowAsync(token.Client, token.Secret.Hash, ct) : null;
}

public static class SignInEndpoints
{
    public static void MapSignIn(this IEndpointRouteBuilder app)
    {
        app.MapPost(SignIn.Path, EnterAsync).AllowAnonymous();
        app.MapPost(SignIn.OutPath, async (HttpContext http, [FromServices] IAntiforgery forms) =>
        {
            if (!await forms.IsRequestValidAsync(http))
                return Results.BadRequest();
            await http.SignOutAsync(Visitor.Scheme);
            return Results.LocalRedirect($"{SignIn.Path}?ask=true");
        }).DisableAntiforgery().AllowAnonymous();
    }

    private static async Task<IResult> EnterAsync(
        HttpContext http, [FromForm] string? typed, [FromForm] string? to, [FromServices] SignIn signIn)
    {
        if (await signIn.WithAsync(typed, http.RequestAborted) is not { } visitor)
            return Results.LocalRedirect($"{SignIn.Path}?ask=true&wrong=true&to={Uri.EscapeDataString(to ?? "")}");
        await http.SignInAsync(Visitor.Scheme, visitor.ToPrincipal());
        return Results.LocalRedirect(LocalOr(to));
    }

    /// <summary>Only to pages of ours: a link must not lead through the sign-in page to somewhere else.</summary>
    public static string LocalOr(string? to) =>
        to is not null && to.StartsWith(ConsoleSetup.Root, StringComparison.Ordinal) && !to.Contains("//", StringComparison.Ordinal) && !to.Contains('\\') ? to : ConsoleSetup.Root;
}
