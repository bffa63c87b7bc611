using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Backup.LocalHosting;

/// <summary>
/// The real Aspire dashboard, run from the <c>aspire</c> command line tool where one is found. Every process sends
/// its traces, metrics and logs there.
/// </summary>
internal sealed class AspireDashboard(IConfiguration configuration, ResourceNotificationService notifications, IHostApplicationLifetime lifetime)
{
    private const string HowToGet = "https://aspire.dev";

    private ChildProcess? process;
    private string? telemetryUrl;

    /// <summary>Starts it if it can be found, or says in one line how to get it. Does not wait for it.</summary>
    public void Start()
    {
        var program = Find(configuration["BACKUP_ASPIRE"]);
        if (program is null)
        {
            var package = NpmPackage() is { } name && OperatingSystem.IsLinux() ? $"npm install -g {name}, or see {HowToGet}" : HowToGet;
            Console.WriteLine($"Dashboard: none found. To see traces, logs and metrics: {package}");
            return;
        }

        // The same settings as with the packages, where the launch profile gives them to the AppHost.
        var pageUrl = FreeUrl(configuration["ASPNETCORE_URLS"]?.Split(';')[0] ?? "http://localhost:18888");
        telemetryUrl = FreeUrl(configuration["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] ?? "http://localhost:4317");
        var arguments = new[]
        {
            "dashboard", "run", "--allow-anonymous", "--non-interactive", "--nologo", "--log-level", "Error",
            "--frontend-url", pageUrl, "--otlp-grpc-url", telemetryUrl, "--otlp-http-url", FreeUrl("http://localhost:4318"),
        };
        process = ChildProcess.Start(Watched(program, arguments), (_, _) => { });
        notifications.Publish(new DashboardResource(), now => now with
        {
            State = new(KnownResourceStates.Running, null),
            Urls = [new UrlSnapshot("http", pageUrl, IsInternal: false)],
        });
        _ = SayWhenItEndsAsync(process, program);
    }

    public async Task StopAsync()
    {
        if (process is null)
            return;

        await process.StopAsync(TimeSpan.FromSeconds(1), TimeProvider.System);
        process.Dispose();
    }

    /// <summary>What Aspire tells a process about telemetry; short delays, since somebody is watching.</summary>
    public IEnumerable<KeyValuePair<string, string>> TelemetryEnvironment(string resourceName)
    {
        if (telemetryUrl is null)
            return [];

        return new Dictionary<string, string>
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = telemetryUrl,
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc",
            ["OTEL_SERVICE_NAME"] = resourceName,
            ["OTEL_RESOURCE_ATTRIBUTES"] = $"service.instance.id={resourceName}",
            ["OTEL_BLRP_SCHEDULE_DELAY"] = "1000",
            ["OTEL_BSP_SCHEDULE_DELAY"] = "1000",
            ["OTEL_METRIC_EXPORT_INTERVAL"] = "1000",
            ["OTEL_TRACES_SAMPLER"] = "always_on",
        };
    }

    /// <summary>
    /// The tool does not watch its standard input as our own processes do, so on Unix a shell does: it ends the tool
    /// when that input ends, which it does with this process, and passes on that it is to end.
    /// </summary>
    private static ProcessStartInfo Watched(string program, string[] arguments)
    {
        const string Watch = """
            exec 3<&0
            "$@" 3<&- </dev/null & tool=$!
            { read -r nothing; kill $tool; } <&3 2>/dev/null & watch=$!
            trap 'kill $tool' TERM INT
            wait $tool
            wait $tool
            kill $watch 2>/dev/null
            """;
        var command = OperatingSystem.IsWindows()
            ? ChildProcess.Command(program, arguments)
            : ChildProcess.Command("/bin/sh", ["-c", Watch, "sh", program, .. arguments]);
        // No profiles, and compiled anew after 1,024 calls (hexadecimal), not 30: left to itself it compiles for a second and a half, on the
        // cores that a first backup needs.
        command.Environment.TryAdd("DOTNET_TieredPGO", "0");
        command.Environment.TryAdd("DOTNET_TC_CallCountThreshold", "400");
        return command;
    }

    private async Task SayWhenItEndsAsync(ChildProcess dashboard, string program)
    {
        await dashboard.Exited;
        // A signal to the whole process group may reach it before it reaches us.
        await Task.Delay(ProjectRunner.SignalsApart, TimeProvider.System, lifetime.ApplicationStopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!lifetime.ApplicationStopping.IsCancellationRequested)
            Console.Error.WriteLine($"The dashboard ({program}) has ended by itself; the newest file in ~/.aspire/logs says why. The cluster runs on without it.");
    }

    private static string? Find(string? named)
    {
        var file = OperatingSystem.IsWindows() ? "aspire.exe" : "aspire";
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        var candidates = new List<string?> { named };
        candidates.AddRange(path.Select(directory => Path.Combine(directory, file)));
        candidates.Add(Path.Combine(home, ".aspire", "bin", file));
        // npm puts no link to this package's program on the path, so look where it keeps its packages: beside each
        // program directory (/usr/bin, so /usr/lib), and in the current directory.
        if (NpmPackage() is { } package)
        {
            var roots = path.Select(directory => Path.Combine(directory, "..", "lib", "node_modules")).Append("node_modules");
            candidates.AddRange(roots.Select(root => Path.GetFullPath(Path.Combine(root, package, "bin", file))));
        }

        return candidates.FirstOrDefault(File.Exists);
    }

    private static string? NpmPackage() =>
        RuntimeInformation.OSArchitecture is Architecture.X64 or Architecture.Arm64
            ? "@microsoft/aspire-cli-" + (OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux")
                + (RuntimeInformation.OSArchitecture == Architecture.X64 ? "-x64" : "-arm64")
            : null;

    /// <summary>The address that was asked for, or the same with a free port when somebody has taken it.</summary>
    private static string FreeUrl(string url)
    {
        var wanted = new Uri(url);
        if (IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().All(taken => taken.Port != wanted.Port))
            return wanted.GetLeftPart(UriPartial.Authority);

        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return string.Create(CultureInfo.InvariantCulture, $"http://localhost:{((IPEndPoint)listener.LocalEndpoint).Port}");
    }
}

/// <summary>The dashboard as a resource, by the name Aspire gives it, so that whoever prints addresses finds its own.</summary>
internal sealed class DashboardResource() : Resource("aspire-dashboard");
