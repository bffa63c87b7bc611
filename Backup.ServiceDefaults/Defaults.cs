using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Backup.ServiceDefaults;

/// <summary>What every server process of the cluster does alike: telemetry, health, HTTP, logs, and how it ends.</summary>
public static class Defaults
{
    /// <summary>Ready to serve: what the AppHost waits for, and what Kubernetes asks before it sends requests. See <see cref="Readiness"/>.</summary>
    public const string HealthPath = "/health";

    /// <summary>The process answers at all: only the checks tagged <see cref="LiveTag"/>.</summary>
    public const string AlivePath = "/alive";

    /// <summary>A check with this tag failing means: restart the process, waiting will not help.</summary>
    public const string LiveTag = "live";

    /// <summary>
    /// What a host gives its work to end in. With <see cref="ExitInTime"/> behind it, a process is gone within the
    /// ten seconds that the hosting allows.
    /// </summary>
    public static readonly TimeSpan ShutdownTimeMax = TimeSpan.FromSeconds(5);

    public static TBuilder AddServiceDefaults<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.AddOneLineConsole();
        builder.AddTelemetry();
        builder.AddKestrelDefaults();
        builder.AddTls();

        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddHealthChecks().AddCheck("self", () => HealthCheckResult.Healthy(), [LiveTag]);
        builder.Services.AddServiceDiscovery();
        // No retries here: a streamed body cannot be sent twice. Each client decides what is repeated, and when.
        builder.Services.ConfigureHttpClientDefaults(http => http.AddServiceDiscovery());

        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = ShutdownTimeMax);
        builder.Services.AddHostedService<ExitInTime>();
        if (ParentLifetime.Wanted)
            builder.Services.Replace(ServiceDescriptor.Singleton<IHostLifetime, ParentLifetime>());

        return builder;
    }

    public static WebApplication MapDefaultEndpoints(this WebApplication app)
    {
        // Whoever starts and watches the processes has no token: these two ask nobody who he is.
        app.MapHealthChecks(HealthPath, new HealthCheckOptions { ResponseWriter = Readiness.WriteAsync }).AllowAnonymous();
        app.MapHealthChecks(AlivePath, new HealthCheckOptions { Predicate = check => check.Tags.Contains(LiveTag) }).AllowAnonymous();
        return app;
    }

    private static void AddOneLineConsole(this IHostApplicationBuilder builder)
    {
        builder.Logging.ClearProviders();
        builder.Logging.AddConsole(console => console.FormatterName = OneLineFormatter.FormatterName);
        builder.Logging.AddConsoleFormatter<OneLineFormatter, ConsoleFormatterOptions>();
        // One line a request is for the trace, not for the console.
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        builder.Logging.AddFilter("System.Net.Http", LogLevel.Warning);
        builder.Logging.AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Warning);
        builder.Logging.AddFilter("Polly", LogLevel.Warning);
        // A process that is not ready yet says so to whoever asks; that is no failure.
        builder.Logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None);
    }
}
