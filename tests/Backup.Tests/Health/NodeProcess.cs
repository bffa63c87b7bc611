using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Backup.Tests.Client;

namespace Backup.Tests.Health;

/// <summary>A node as the cluster runs it: a process of its own, on a free port and a directory that goes with it.</summary>
public sealed class NodeProcess : IAsyncDisposable
{
    private readonly TempFolder folder = new();
    private readonly Process process;

    public NodeProcess(string id, Uri manager, long reserveBytes = 0)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Address = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}"));
        listener.Stop();
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Backup.Storage.dll")])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder.Path,
        };
        start.Environment["ASPNETCORE_URLS"] = Address.ToString();
        start.Environment["services__manager__http__0"] = manager.ToString();
        start.Environment["Node__Id"] = id;
        start.Environment["Node__Address"] = Address.ToString();
        start.Environment["Node__DataDirectory"] = Path.Combine(folder.Path, "data");
        start.Environment["Node__ReserveBytes"] = reserveBytes.ToString(CultureInfo.InvariantCulture);
        start.Environment["Security__ClusterKey"] = Manager.ManagerProcess.KeyText;
        process = Process.Start(start)!;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public Uri Address { get; }

    public async ValueTask DisposeAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        folder.Dispose();
    }
}
