using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Backup.AppHost;

/// <summary>
/// Tells whoever started the cluster where everything is, once it is ready; or that it will not be, and ends it.
/// </summary>
internal sealed class StartReport(ClusterOptions cluster, ResourceNotificationService resources, IHostApplicationLifetime lifetime, IConfiguration configuration) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var rows = new List<string[]> { (string[])["resource", "address", "data", "pid"] };
        try
        {
            if (cluster.Redis == RedisKind.Embedded)
                rows.Add(await RowAsync("redis", $"127.0.0.1:{cluster.RedisPort}", cluster.RedisDirectory, stoppingToken));
            for (var number = 1; number <= cluster.Managers; number++)
                rows.Add(await RowAsync(ClusterOptions.ManagerName(number), $"{cluster.Scheme}://localhost:{cluster.ManagerPort(number)}", "", stoppingToken));
            for (var number = 1; number <= cluster.Nodes; number++)
                rows.Add(await RowAsync($"node-{number}", $"{cluster.Scheme}://localhost:{cluster.NodePort(number)}", cluster.NodeDirectory(number), stoppingToken));
            if (resources.TryGetCurrentState("aspire-dashboard", out var dashboard) && dashboard.Snapshot.Urls.FirstOrDefault() is { } page)
                rows.Add(["dashboard", page.Url, "", ""]);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            return;
        }
        catch (DistributedApplicationException failure)
        {
            Console.Error.WriteLine($"The cluster cannot start: {failure.Message}");
            Environment.ExitCode = 1;
            lifetime.StopApplication();
            return;
        }

        Console.WriteLine(Text(rows, $"{cluster.Scheme}://localhost:{cluster.NodePort(1)}"));
        if (configuration["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] is { } telemetry && rows[^1][0] == "dashboard")
            Console.WriteLine($"To have the client's own steps in its traces: export OTEL_EXPORTER_OTLP_ENDPOINT={telemetry}\n");
    }

    private async Task<string[]> RowAsync(string name, string address, string directory, CancellationToken cancellationToken)
    {
        var ready = await resources.WaitForResourceHealthyAsync(name, WaitBehavior.StopOnResourceUnavailable, cancellationToken);
        var processId = ready.Snapshot.Properties.FirstOrDefault(property => property.Name == "executable.pid")?.Value;
        return [name, address, directory, $"{processId}"];
    }

    private static string Text(List<string[]> rows, string anyNode)
    {
        var widths = Enumerable.Range(0, 4).Select(column => rows.Max(row => row[column].Length)).ToArray();
        var text = new StringBuilder().AppendLine();
        foreach (var row in rows)
            text.AppendLine(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());

        return text
            .AppendLine()
            .AppendLine("The cluster is ready. Ctrl-C stops it; started again, it serves the same data.")
            .AppendLine("Try, in another terminal:")
            .AppendLine("  dotnet run --project Backup.Client                      the menu")
            .AppendLine($"  dotnet run --project Backup.Client -- --server {anyNode} cluster status")
            .ToString();
    }
}
