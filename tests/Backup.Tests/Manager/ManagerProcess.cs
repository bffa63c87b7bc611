using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Backup.Protocol;

namespace Backup.Tests.Manager;

/// <summary>A manager as the cluster runs it: a process of its own, on a free port, that can be killed.</summary>
public sealed class ManagerProcess : IAsyncDisposable
{
    /// <summary>What the processes of one test share.</summary>
    public static readonly string KeyText = System.Security.Cryptography.RandomNumberGenerator.GetHexString(64, lowercase: true);

    /// <summary>As a node speaks to the manager.</summary>
    public static readonly IProof AsNode = AsPeerTo(Grant.Manager);

    public static IProof AsPeerTo(string audience) => new PeerGrants(ClusterKey.Parse(KeyText), "n1", TimeProvider.System).To(audience);

    private readonly Process process;

    private ManagerProcess(Process process, Uri address) => (this.process, Address) = (process, address);

    public Uri Address { get; }

    public static Process Run(string? redis, string urls, params (string Name, string Value)[] settings)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Backup.Manager.dll")])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        start.Environment["ASPNETCORE_URLS"] = urls;
        start.Environment["Security__ClusterKey"] = KeyText;
        if (redis is not null)
            start.Environment["ConnectionStrings__redis"] = redis;
        foreach (var (name, value) in settings)
            start.Environment[name] = value;
        return Process.Start(start)!;
    }

    public static async Task<ManagerProcess> StartAsync(string redis)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var address = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}"));
        listener.Stop();
        var manager = new ManagerProcess(Run(redis, address.ToString()), address);
        manager.process.BeginOutputReadLine();
        manager.process.BeginErrorReadLine();
        using var http = new HttpClient();
        for (var started = Stopwatch.StartNew(); ;)
        {
            try
            {
                using var answer = await http.GetAsync(new Uri(address, "/health"));
                if (answer.IsSuccessStatusCode)
                    return manager;
            }
            catch (HttpRequestException) when (started.Elapsed < TimeSpan.FromSeconds(30) && !manager.process.HasExited)
            {
                // Not yet.
            }
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
        }
    }

    public IManager Client() => Clients.Create<IManager>(Address, "manager", FailureCode.ManagerUnreachable, proof: AsNode);

    public async Task KillAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
            await KillAsync();
        process.Dispose();
    }
}
