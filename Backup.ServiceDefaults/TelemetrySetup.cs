using Backup.Protocol;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Backup.ServiceDefaults;

/// <summary>Traces, metrics and logs, sent where <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> says, and nowhere without it.</summary>
internal static class TelemetrySetup
{
    public static void AddTelemetry(this IHostApplicationBuilder builder)
    {
        if (string.IsNullOrWhiteSpace(builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]))
            return;

        builder.Logging.AddOpenTelemetry(logging =>
        {
            logging.IncludeFormattedMessage = true;
            logging.IncludeScopes = true;
        });
        builder.Services.AddOpenTelemetry()
            .WithMetrics(metrics => metrics
                .AddMeter(Telemetry.Name)
                // A measurement taken within a recorded span names it: from a slow step in a chart to its trace.
                .SetExemplarFilter(ExemplarFilterType.TraceBased)
                .AddAspNetCoreInstrumentation()
                .AddHttpClientInstrumentation()
                .AddRuntimeInstrumentation())
            .WithTracing(tracing => tracing
                .AddSource(Telemetry.Name)
                // What is not recorded has no recorded parts; a client that does not record is no reason for a server not to.
                .SetSampler(new ParentBasedSampler(new AlwaysOnSampler(), remoteParentNotSampled: new AlwaysOnSampler()))
                .AddAspNetCoreInstrumentation(server => server.Filter = request => !IsRoutine(request.Request.Path))
                .AddHttpClientInstrumentation(client => client.FilterHttpRequestMessage = request => !IsRoutine(request.RequestUri?.AbsolutePath)))
            .UseOtlpExporter();
    }

    /// <summary>What happens every few seconds whether anybody does anything or not: it would bury what matters.</summary>
    private static bool IsRoutine(PathString path) =>
        path.StartsWithSegments(Defaults.HealthPath) || path.StartsWithSegments(Defaults.AlivePath) || path.StartsWithSegments(Routes.Heartbeat);
}
