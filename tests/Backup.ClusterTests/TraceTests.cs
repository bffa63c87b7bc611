using System.Diagnostics;
using System.Reflection;
using Backup.ClusterTests.Hosting;

namespace Backup.ClusterTests;

/// <summary>One backup as the real Aspire dashboard shows it: one trace, from the client's command to the last fsync.</summary>
public sealed class TraceTests : IDisposable
{
    private const int Bytes = 3_000_000;

    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("backup-trace-");

    public void Dispose() => directory.Delete(recursive: true);

    [SkippableFact]
    public async Task All_steps_of_a_backup_are_one_trace_in_the_dashboard()
    {
        var tool = AspireTool.Find();
        Skip.If(tool is null, "No aspire command: npm install -g @microsoft/aspire-cli-linux-x64");
        var ports = FreePorts.InARow(8);
        var (page, telemetry) = (new Uri($"http://localhost:{ports[^1]}"), new Uri($"http://localhost:{ports[^2]}"));
        // Redis, the manager and four nodes have six ports in a row.
        using var host = AppHostProcess.Start($"--Cluster:BasePort={ports[1]}", $"--Cluster:DataDirectory={directory.FullName}/cluster",
            $"--ASPNETCORE_URLS={page}", $"--ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL={telemetry}", "--ASPIRE_DASHBOARD_UNSECURED_ALLOW_ANONYMOUS=true",
            // What a busy dashboard does not take in time is lost: here nothing may be.
            "--OTEL_EXPORTER_OTLP_TIMEOUT=30000");
        await host.WaitUntilReadyAsync();

        var root = directory.CreateSubdirectory("root");
        await File.WriteAllBytesAsync(Path.Combine(root.FullName, "small"), Payload.Bytes(6, 10));
        await File.WriteAllBytesAsync(Path.Combine(root.FullName, "big"), Payload.Bytes(7, Bytes));
        string[] At(string address) => ["--root", root.FullName, "--server", address];

        // Two of the four nodes get the first file, and so the other two get the second: it goes through a node that has no part in it.
        var any = At($"http://localhost:{ports[5]}");
        await ClientAsync(telemetry, [.. any, "backup", "small"]);
        var small = await ClientAsync(telemetry, [.. any, "where", "small"]);
        var (gateway, address) = (Word(small, "primary", 1), Word(small, "primary", 2));
        await ClientAsync(telemetry, [.. At(address), "backup", "big"]);
        var big = await ClientAsync(telemetry, [.. At(address), "where", "big"]);
        var (primary, replica) = (Word(big, "primary", 1), Word(big, "replica", 1));
        Assert.Equal(4, new[] { gateway, Word(small, "replica", 1), primary, replica }.Distinct().Count());

        var spans = await ReadAsync(tool!, page, Word(big, "trace", 1), Steps(primary, replica));
        Assert.Single(spans, span => span.Parent is null || spans.All(other => other.Id != span.Parent));
        Assert.StartsWith("backup-client", spans.Single(span => span.Name == "backup").Resource);
        Assert.Contains(spans, span => (span.Resource, span.Name) == (gateway, "POST /v1/place"));
        AssertTag(spans, "④ segment", "backup.nodes", $"{primary},{replica}");
        AssertTag(spans, "④ segment", "backup.chunks.deduplicated", "0");
        AssertTag(spans, "④ primary", "backup.node", primary);
        AssertTag(spans, "⑤ replica", "backup.node", replica);
        AssertTag(spans, "⑥ commit", "backup.copies.owed", "0");
        Assert.True(long.Parse(spans.Single(span => span.Name == "⑤ replica").Tags["backup.bytes"]) > Bytes);
    }

    /// <summary>Who does which steps; fsync on both nodes.</summary>
    private static (string Resource, string Name)[] Steps(string primary, string replica) =>
    [
        ("backup-client", "backup"), ("backup-client", "① read first chunks"), ("backup-client", "② place"),
        ("manager", "③ fewest files"), ("manager", "redis place"),
        ("backup-client", "④ segment"), (primary, "④ primary"), (primary, "⑤ stream replica"), (replica, "⑤ replica"),
        (primary, "fsync and index"), (replica, "fsync and index"),
        ("backup-client", "⑥ commit"), ("manager", "⑥ make visible"), ("manager", "redis commit"),
    ];

    /// <summary>Processes send their spans about once a second, each by itself: until all are there.</summary>
    private static async Task<SpanLine[]> ReadAsync(string tool, Uri dashboard, string trace, (string Resource, string Name)[] steps)
    {
        for (var since = Stopwatch.StartNew(); ;)
        {
            var spans = await AspireTool.TraceAsync(tool, dashboard, trace);
            var missing = steps.Where(step => !spans.Any(span => span.Resource.StartsWith(step.Resource, StringComparison.Ordinal) && span.Name == step.Name)).ToList();
            // A parent ends after its children and may come in a later parcel.
            if (missing.Count == 0 && spans.Count(span => spans.All(other => other.Id != span.Parent)) == 1)
                return spans;
            Assert.True(since.Elapsed < RunningCluster.PatienceMax, $"Not in the trace: {string.Join(", ", missing)}\nIn it: {string.Join(", ", spans.Select(span => $"{span.Resource} {span.Name}"))}");
            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System);
        }
    }

    /// <summary>A word of the one line that begins with this one.</summary>
    private static string Word(string output, string first, int at) =>
        output.Split('\n').Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Single(words => words.FirstOrDefault() == first)[at];

    private static void AssertTag(SpanLine[] spans, string name, string tag, string value) =>
        Assert.Equal(value, spans.Single(span => span.Name == name).Tags[tag]);

    /// <summary>The client as a person runs it, sending its spans to the dashboard.</summary>
    private async Task<string> ClientAsync(Uri telemetry, string[] args)
    {
        var configuration = typeof(TraceTests).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;
        var project = Path.Combine(Projects.Backup_AppHost.ProjectPath, "..", "Backup.Client");
        var start = new ProcessStartInfo("dotnet", ["run", "--no-build", "-c", configuration, "--project", project, "--", .. args]) { RedirectStandardOutput = true };
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToList())
            start.Environment.Remove(name);
        foreach (var name in new[] { "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME" })
            start.Environment[name] = Path.Combine(directory.FullName, name);
        start.Environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = telemetry.ToString();
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(RunningCluster.PatienceMax);
        Assert.True(process.ExitCode == 0, output);
        return output;
    }
}
