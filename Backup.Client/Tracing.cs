using System.Diagnostics;
using System.Runtime.CompilerServices;
using Backup.Protocol;
using OpenTelemetry;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Backup.Client;

/// <summary>
/// Gives each command a trace, which every machine it touches carries on and every version it stores names. Spans are sent
/// where <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> says; without it they are made all the same, for the id, and go nowhere.
/// </summary>
internal static class Tracing
{
    private const string Service = "backup-client";

    /// <returns>Ends tracing, and sends what is left, when it is disposed.</returns>
    public static IDisposable Begin(Surroundings surroundings) =>
        surroundings.Variable("OTEL_EXPORTER_OTLP_ENDPOINT") is null ? Listen() : Export();

    private static ActivityListener Listen()
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == Telemetry.Name,
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }

    /// <summary>By itself, so that nobody who does not export pays for loading the exporter.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static TracerProvider Export() => Sdk.CreateTracerProviderBuilder()
        .ConfigureResource(resource => resource.AddService(Service))
        .AddSource(Telemetry.Name, "System.Net.Http")
        .AddOtlpExporter()
        .Build();
}
