using System.Net;
using Backup.Protocol;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Backup.WebConsole.SigningIn;

/// <summary>Who may come in, and the cookie that says so afterwards.</summary>
public sealed class SignIn
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

    /// <summary>Who comes from this machine, to this machine's own name, is let in as the guest who looks after the cluster. Null for others.</summary>
    /// <remarks>The name is looked at because a page elsewhere can have its own name lead here.</remarks>
    public Visitor? WithoutQuestion(HttpContext http) =>
        http.Connection.RemoteIpAddress is { } from && IPAddress.IsLoopback(from) && http.Request.Host.Host is "localhost" or "127.0.0.1" or "[::1]"
            ? new Visitor(ClientId.Guest, IsOperator: true) : null;

    /// <summary>What somebody typed into the sign-in page: the id of the client whose files he wants to see. Null when it is none.</summary>
    public Visitor? With(string? typed, HttpContext http) =>
        WithoutQuestion(http) is { } visitor && ClientId.TryParse(typed?.Trim(), null, out var client) ? visitor with { Client = client } : null;
}

public static class SignInEndpoints
{
    public static void MapSignIn(this IEndpointRouteBuilder app)
    {
        app.MapPost(SignIn.Path, EnterAsync);
        app.MapPost(SignIn.OutPath, async (HttpContext http, [FromServices] IAntiforgery forms) =>
        {
            if (!await forms.IsRequestValidAsync(http))
                return Results.BadRequest();
            await http.SignOutAsync(Visitor.Scheme);
            return Results.LocalRedirect($"{SignIn.Path}?ask=true");
        }).DisableAntiforgery();
    }

    private static async Task<IResult> EnterAsync(
        HttpContext http, [FromForm] string? typed, [FromForm] string? to, [FromServices] SignIn signIn)
    {
        if (signIn.With(typed, http) is not { } visitor)
            return Results.LocalRedirect($"{SignIn.Path}?ask=true&wrong=true&to={Uri.EscapeDataString(to ?? "")}");
        await http.SignInAsync(Visitor.Scheme, visitor.ToPrincipal());
        return Results.LocalRedirect(LocalOr(to));
    }

    /// <summary>Only to pages of ours: a link must not lead through the sign-in page to somewhere else.</summary>
    public static string LocalOr(string? to) =>
        to is not null && to.StartsWith(ConsoleSetup.Root, StringComparison.Ordinal) && !to.Contains("//", StringComparison.Ordinal) && !to.Contains('\\') ? to : ConsoleSetup.Root;
}
