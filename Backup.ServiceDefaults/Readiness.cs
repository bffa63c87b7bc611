using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Backup.ServiceDefaults;

/// <summary>
/// What the statuses of <c>/health</c> mean here. Healthy: takes and serves. Degraded: serves what it has and takes nothing
/// new, for example because its disk is full; the answer is 200 all the same, since reads must still be sent there. Unhealthy:
/// neither; 503. A server that is not ready may well be alive: restarting it would not help.
/// </summary>
public static class Readiness
{
    public static Task WriteAsync(HttpContext http, HealthReport report)
    {
        HealthLine[] checks = [.. report.Entries.Select(entry => new HealthLine(entry.Key, entry.Value.Status, entry.Value.Description))];
        return http.Response.WriteAsJsonAsync(new HealthBody(report.Status, report.Status != HealthStatus.Unhealthy, report.Status == HealthStatus.Healthy, checks),
            HealthJson.Default.HealthBody);
    }
}

/// <param name="Reads">Ready to serve what is stored.</param>
/// <param name="Writes">Ready to take what is new.</param>
public sealed record HealthBody(HealthStatus Status, bool Reads, bool Writes, HealthLine[] Checks);

public sealed record HealthLine(string Name, HealthStatus Status, string? Description);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(HealthBody))]
public sealed partial class HealthJson : JsonSerializerContext;
