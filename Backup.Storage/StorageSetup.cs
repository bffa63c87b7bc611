using Backup.Protocol;
using Backup.ServiceDefaults;
using Backup.Storage.Collection;
using Backup.Storage.Membership;
using Backup.Storage.Packs;
using Backup.Storage.Primary;
using Backup.Storage.Reading;
using Backup.Storage.Segments;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace Backup.Storage;

/// <summary>What a node is made of.</summary>
public static class StorageSetup
{
    /// <summary>The manager gives Redis a few seconds; one that takes longer itself hangs.</summary>
    private static readonly TimeSpan ManagerAnswerTime = TimeSpan.FromSeconds(10);

    /// <summary>Opens the data directory, which recovers what a crash left, and registers everything that serves it.</summary>
    public static async Task AddStorageAsync(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<NodeOptions>().BindConfiguration(NodeOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        var options = builder.Configuration.GetSection(NodeOptions.Section).Get<NodeOptions>() ?? new NodeOptions();
        var manager = builder.Configuration["services:manager:http:0"]
            ?? throw Failure.InvalidRequest("The manager's address is missing: set services__manager__http__0.").Exception();

        using var logs = LoggerFactory.Create(l => l.AddConfiguration(builder.Configuration.GetSection("Logging")).AddConsole());
        var store = await PackStore.OpenAsync(
            new PackStoreOptions { Directory = options.DataDirectory, NodeId = options.NodeId, ReserveBytes = options.ReserveBytes },
            logs.CreateLogger<PackStore>(), TimeProvider.System, default);

        services.AddWireJson();
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(store);
        services.AddSingleton(new Peers(options.NodeId));
        services.AddSingleton(_ => Clients.Create<IManager>(new Uri(manager), "manager", FailureCode.ManagerUnreachable, ManagerAnswerTime));
        services.AddSingleton<ICatalogue>(s => s.GetRequiredService<IManager>());
        services.AddSingleton(new SegmentReceiver(store, options.NodeId));
        services.AddSingleton(new VersionSender(store, options.NodeId));
        services.AddSingleton<VersionCopy>();
        services.AddSingleton<PrimaryStore>();
        services.AddSingleton(s => new Collector(store, options.GraceTime, s.GetRequiredService<TimeProvider>(), s.GetRequiredService<ILogger<Collector>>()));
        services.AddHostedService<MembershipWorker>();
        services.AddHostedService<CollectionWorker>();
        services.AddHealthChecks().AddCheck<RegisteredCheck>("registered");
    }

    /// <summary>A node is ready once the manager knows it.</summary>
    private sealed class RegisteredCheck(Peers peers) : IHealthCheck
    {
        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
            Task.FromResult(peers.Epoch > 0 ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy("Not registered with the manager yet."));
    }
}
