using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Reflection;
using Backup.Protocol;
using Backup.ServiceDefaults;
using Backup.Tests.Manager;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Backup.Tests.Access;

/// <summary>
/// A server's own Program, run in this process on a real port, so that a test can read the table of its routes: what
/// Program maps is what is tested, and nothing can be forgotten.
/// </summary>
public sealed class ServerInProcess : IAsyncDisposable
{
    private static readonly AsyncLocal<ServerInProcess?> Building = new();

    private readonly TaskCompletionSource<IHost> built = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IHost? host;

    private ServerInProcess(Uri address) => Address = address;

    public Uri Address { get; }

    public IServiceProvider Services => host!.Services;

    /// <summary>Each route once for each verb it takes.</summary>
    public IEnumerable<(string Method, string Pattern, RouteEndpoint Endpoint)> RouteTable() =>
        from endpoint in Services.GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
        from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"]
        select (method, endpoint.RoutePattern.RawText!, endpoint);

    public static Task<ServerInProcess> ManagerAsync(string redis, string enrolment, params string[] more) =>
        StartAsync(typeof(Backup.Manager.Registry).Assembly, FreeAddress(), [$"--ConnectionStrings:redis={redis}", $"--Security:Enrolment={enrolment}", .. more]);

    public static Task<ServerInProcess> NodeAsync(string id, string directory, Uri manager, string enrolment)
    {
        var address = FreeAddress();
        return StartAsync(typeof(Backup.Storage.NodeOptions).Assembly, address, $"--Node:Id={id}", $"--Node:DataDirectory={directory}", $"--Node:Address={address}",
            "--Node:ReserveBytes=0", $"--services:manager:http:0={manager}", $"--Security:Enrolment={enrolment}");
    }

    public async ValueTask DisposeAsync()
    {
        host?.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
        await ended.Task;
    }

    private static async Task<ServerInProcess> StartAsync(Assembly program, Uri address, params string[] args)
    {
        var server = new ServerInProcess(address);
        using var listening = DiagnosticListener.AllListeners.Subscribe(new OfHosting(server));
        var thread = new Thread(() => server.Run(program, [$"--urls={address}", $"--applicationName={program.GetName().Name}", $"--Security:ClusterKey={ManagerProcess.KeyText}", .. args])) { IsBackground = true };
        thread.Start();
        await Task.WhenAny(server.built.Task, server.ended.Task);
        if (server.built.Task.IsFaulted)
            await server.built.Task;
        if (!server.built.Task.IsCompleted)
            throw new InvalidOperationException($"{program.GetName().Name} ended instead of starting.");
        server.host = await server.built.Task;
        using var http = new HttpClient { BaseAddress = address };
        for (var since = Stopwatch.StartNew(); ;)
        {
            try
            {
                using var answer = await http.GetAsync(Defaults.HealthPath);
                if (answer.IsSuccessStatusCode)
                    return server;
            }
            catch (HttpRequestException) when (!server.ended.Task.IsCompleted)
            {
                // Not yet.
            }
            if (since.Elapsed > TimeSpan.FromSeconds(60))
                throw new InvalidOperationException($"{program.GetName().Name} did not become healthy.");
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        }
    }

    private void Run(Assembly program, string[] args)
    {
        Building.Value = this;
        try
        {
            program.EntryPoint!.Invoke(null, [args]);
        }
        catch (TargetInvocationException e)
        {
            built.TrySetException(e.InnerException!);
        }
        finally
        {
            ended.TrySetResult();
        }
    }

    private static Uri FreeAddress()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");
    }

    /// <summary>Hosting tells of each host that is built in this process; ours is the one that is built on our thread.</summary>
    private sealed class OfHosting(ServerInProcess server) : IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>
    {
        public void OnNext(DiagnosticListener value)
        {
            if (value.Name == "Microsoft.Extensions.Hosting")
                value.Subscribe(this);
        }

        public void OnNext(KeyValuePair<string, object?> value)
        {
            if (Building.Value != server)
                return;
            // It ends the process after the host, and this process has other tests to run.
            if (value is { Key: "HostBuilding", Value: IHostBuilder builder })
                builder.ConfigureServices(services => services.Remove(services.Single(s => s.ImplementationType?.Name == "ExitInTime")));
            if (value is { Key: "HostBuilt", Value: IHost host })
                server.built.TrySetResult(host);
        }

        public void OnCompleted()
        {
        }

        public void OnError(Exception error)
        {
        }
    }
}
