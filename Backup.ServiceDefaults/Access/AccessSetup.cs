using System.Net;
using Backup.Protocol;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Backup.ServiceDefaults;

/// <summary>Authentication and authorization, the same on every server.</summary>
public static class AccessSetup
{
    /// <summary>Adds what finds out who calls. An <see cref="ITokens"/> must be added beside it.</summary>
    /// <param name="self">This process: its node id, or <see cref="Grant.Manager"/>.</param>
    /// <exception cref="FailureException">The cluster key is missing or none.</exception>
    public static TBuilder AddAccess<TBuilder>(this TBuilder builder, string self)
        where TBuilder : IHostApplicationBuilder
    {
        var security = builder.Configuration.GetSection(SecurityOptions.Section).Get<SecurityOptions>() ?? new SecurityOptions();
        var key = ClusterKey.Parse(security.ClusterKey);
        var services = builder.Services;
        services.AddOptions<SecurityOptions>().BindConfiguration(SecurityOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton(s => new GrantCheck(key, self, s.GetRequiredService<TimeProvider>()));
        services.AddSingleton(s => new PeerGrants(key, self, s.GetRequiredService<TimeProvider>()));
        services.AddAuthentication(CallerHandler.SchemeName).AddScheme<AuthenticationSchemeOptions, CallerHandler>(CallerHandler.SchemeName, null);
        services.AddAuthorizationBuilder().SetDefaultPolicy(Demands.Nothing).SetFallbackPolicy(Demands.Nothing);
        services.AddClientRates(Math.Max(1, security.RequestsPerSecond));
        if (security.IsLoopbackOpen)
        {
            services.Configure<KestrelServerOptions>(server => server.ConfigureEndpointDefaults(listen =>
            {
                RefuseBeyondLoopback(listen);
                KestrelDefaults.OfListener(listen);
            }));
        }
        return builder;
    }

    /// <summary>Behind <see cref="FailureResponses.UseFailureResponses"/>, which answers what is refused here.</summary>
    public static IApplicationBuilder UseAccess(this IApplicationBuilder app) => app.UseAuthentication().UseRateLimiter().UseAuthorization();

    /// <summary>The development setting trusts this machine, and must never meet another.</summary>
    private static void RefuseBeyondLoopback(ListenOptions listen)
    {
        if (listen.IPEndPoint is { } at && !IPAddress.IsLoopback(at.Address))
        {
            throw Failure.InvalidRequest($"Security:Enrolment={SecurityOptions.Loopback} is for loopback, and the process is told to listen at {at}: "
                + $"listen at localhost, or set Security:Enrolment={SecurityOptions.Invitation}.").Exception();
        }
    }
}
