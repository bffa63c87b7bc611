using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Backup.Protocol;

/// <summary>The one source of spans and the one meter, used by every process. Steps are named as in DESIGN: "① read" to "⑥ commit".</summary>
public static class Telemetry
{
    public const string Name = "Backup";

    public static readonly ActivitySource Source = new(Name);

    public static readonly Meter Meter = new(Name);
}
