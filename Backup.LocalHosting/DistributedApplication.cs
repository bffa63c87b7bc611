using Backup.LocalHosting.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Backup.LocalHosting;

/// <summary>
/// The application that AppHost.cs describes, run as child processes of this one. Names, signatures and effects are
/// those of Aspire's class, for the part of it that is used here; what differs is said where it does.
/// </summary>
public sealed class DistributedApplication : IHost, IAsyncDisposable
{
    private readonly IHost host;
    private readonly TestHarness? harness;

    internal DistributedApplication(IHost host, TestHarness? harness)
    {
        this.host = host;
        this.harness = harness;
        ResourceNotifications = host.Services.GetRequiredService<ResourceNotificationService>();
        ResourceCommands = host.Services.GetRequiredService<ResourceCommandService>();
    }

    public IServiceProvider Services => host.Services;

    /// <summary>What state each resource is in.</summary>
    public ResourceNotificationService ResourceNotifications { get; }

    /// <summary>Start, stop and restart of single resources.</summary>
    public ResourceCommandService ResourceCommands { get; }

    public static IDistributedApplicationBuilder CreateBuilder(string[] args) =>
        new DistributedApplicationBuilder(args, TestHarness.Current);

    public Task StartAsync(CancellationToken cancellationToken = default) => host.StartAsync(cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken = default) => host.StopAsync(cancellationToken);

    /// <summary>Runs until Ctrl-C or SIGTERM. Under a test the test starts and ends it, and this only waits.</summary>
    public void Run() => RunAsync().GetAwaiter().GetResult();

    public Task RunAsync(CancellationToken cancellationToken = default) =>
        harness is null ? HostingAbstractionsHostExtensions.RunAsync(host, cancellationToken) : harness.Ended;

    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    public async ValueTask DisposeAsync()
    {
        await host.StopAsync();
        if (host is IAsyncDisposable disposable)
            await disposable.DisposeAsync();
        if (harness is not null)
            await harness.EndAsync();
    }
}
