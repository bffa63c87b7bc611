using Backup.Protocol;
using Backup.WebConsole.Layout;
using Backup.WebConsole.SigningIn;
using Backup.WebConsole.Transfers;
using Backup.WebConsole.Watching;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using MudBlazor.Services;

namespace Backup.WebConsole;

/// <summary>The web console: pages under <see cref="Root"/>, served by the manager from its own port, all assets from its own disk.</summary>
public static class ConsoleSetup
{
    public const string Root = "/console";

    /// <summary>
    /// Nothing comes from elsewhere, no page stands in another's frame, and no script stands in a page. The component library
    /// sets styles on elements, so styles may.
    /// </summary>
    private const string ContentPolicy =
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'";

    /// <summary>Circuits kept for browsers that lost their connection; each holds a page's state, some 100 KiB.</summary>
    private const int CircuitsKeptMax = 20;

    public static void AddConsole(this WebApplicationBuilder builder)
    {
        // Run from where it was built, assets of packages lie where the package manager put them.
        builder.WebHost.UseStaticWebAssets();
        builder.Services.AddRazorComponents().AddInteractiveServerComponents(circuits => circuits.DisconnectedCircuitMaxRetained = CircuitsKeptMax);
        builder.Services.AddMudServices();
        builder.Services.AddCascadingAuthenticationState();
        // Cookies end with the process, and no key of theirs lies on a disk.
        builder.Services.AddDataProtection().UseEphemeralDataProtectionProvider();
        builder.Services.AddAuthentication().AddCookie(Visitor.Scheme, SignIn.Configure);
        builder.Services.AddAntiforgery(forms => forms.Cookie.SameSite = SameSiteMode.Strict);
        builder.Services.AddSingleton<SignIn>().AddSingleton<ClusterWatch>().AddSingleton<ClusterReach>().AddSingleton<EncryptedClients>();
    }

    public static void MapConsole(this WebApplication app)
    {
        app.Use(GuardAsync);
        app.UseAntiforgery();
        // What everybody may have: styles, scripts, the way to the sign-in page and that page. Nothing of them knows the cluster.
        app.MapStaticAssets().AllowAnonymous();
        app.MapGet("/", () => Results.LocalRedirect(Root)).AllowAnonymous();
        app.MapSignIn();
        app.MapRazorComponents<App>().AddInteractiveServerRenderMode(pages => pages.ContentSecurityFrameAncestorsPolicy = null).DemandSignIn();
        app.MapDownloads();
    }

    /// <summary>Open to who has signed in, by the cookie and by nothing else: every page shows what `list` is for. What a page does beyond that looks at his scopes.</summary>
    internal static TBuilder DemandSignIn<TBuilder>(this TBuilder route)
        where TBuilder : IEndpointConventionBuilder =>
        route.RequireAuthorization(policy => policy.AddAuthenticationSchemes(Visitor.Scheme).RequireAssertion(context => Visitor.Of(context.User) is { } visitor && visitor.Scopes.HasFlag(Scope.List)))
            .WithMetadata(new SignInDemanded());

    /// <summary>Everything of the console passes here: who has not signed in sees the sign-in page and nothing else.</summary>
    private static async Task GuardAsync(HttpContext http, RequestDelegate next)
    {
        var path = http.Request.Path;
        if (path.StartsWithSegments(Root) || path.StartsWithSegments("/_blazor"))
        {
            http.Response.Headers.ContentSecurityPolicy = ContentPolicy;
            http.Response.Headers["Referrer-Policy"] = "no-referrer";
            http.Response.Headers.XContentTypeOptions = "nosniff";
            if (!await SignIn.IsSignedInAsync(http) && !path.StartsWithSegments(SignIn.Path))
            {
                await SignIn.RefuseAsync(http);
                return;
            }
        }
        await next(http);
    }
}

/// <summary>Stands in the metadata of the routes that are for who has signed in.</summary>
public sealed record SignInDemanded;
