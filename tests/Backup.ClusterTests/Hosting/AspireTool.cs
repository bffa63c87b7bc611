using System.Diagnostics;
using System.Text.Json;

namespace Backup.ClusterTests.Hosting;

/// <summary>The <c>aspire</c> command line tool, which reads back what a dashboard was sent.</summary>
internal static class AspireTool
{
    /// <summary>On the path, or where npm keeps <c>@microsoft/aspire-cli-linux-x64</c>; null when it is not installed.</summary>
    public static string? Find()
    {
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        string?[] named = [Environment.GetEnvironmentVariable("BACKUP_ASPIRE")];
        return named.Concat(path.Select(folder => Path.Combine(folder, "aspire")))
            .Concat(path.Select(folder => Path.GetFullPath(Path.Combine(folder, "..", "lib", "node_modules", "@microsoft", "aspire-cli-linux-x64", "bin", "aspire"))))
            .FirstOrDefault(File.Exists);
    }

    /// <summary>The spans that the dashboard has of a trace; none while it does not know it.</summary>
    public static async Task<SpanLine[]> TraceAsync(string tool, Uri dashboard, string traceId)
    {
        var start = new ProcessStartInfo(tool,
            ["otel", "traces", "--dashboard-url", dashboard.GetLeftPart(UriPartial.Authority), "--trace-id", traceId, "--format", "Json", "--nologo", "--non-interactive"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(RunningCluster.PatienceMax);
        if (process.ExitCode != 0 && (await errors + output).Contains("not found", StringComparison.OrdinalIgnoreCase))
            return [];
        Assert.True(process.ExitCode == 0, $"aspire otel traces: {await errors}");
        using var json = JsonDocument.Parse(output);
        return [.. json.RootElement.GetProperty("spans").EnumerateArray().Select(SpanLine.Of)];
    }
}

/// <param name="Resource">The process that made it: client, manager, or a node's id.</param>
internal sealed record SpanLine(string Id, string? Parent, string Resource, string Name, IReadOnlyDictionary<string, string> Tags)
{
    public static SpanLine Of(JsonElement span) => new(
        span.GetProperty("spanId").GetString()!,
        span.TryGetProperty("parentSpanId", out var parent) ? parent.GetString() : null,
        span.GetProperty("source").GetString()!,
        span.GetProperty("name").GetString()!,
        span.GetProperty("attributes").EnumerateObject().ToDictionary(tag => tag.Name, tag => tag.Value.GetString() ?? ""));
}
