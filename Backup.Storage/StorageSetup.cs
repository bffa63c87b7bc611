using Backup.Protocol;
using Backup.ServiceDefaults;
using Backup.Storage.Collection;
using Backup.Storage.Health;
using Backup.Storage.Membership;
using Backup.Storage.Packs;
using Backup.Storage.Primary;
using Backup.Storage.Reading;
using Backup.Storage.Segments;
using Microsoft.Extensions.Options;

namespace Backup.Storage;

/// <summary>What a node is made of.</summary>
public static class StorageSetup
{
    /// <summary>The manager gives Redis a few seconds; one that takes longer itself hangs.</summary>
    private static readonly TimeSpan ManagerAnswerTime = TimeSpan.FromSeconds(10);

    /// <summary>Registers everything. The data directory is opened, and what a crash left recovered, when the store is first asked for.</summary>
    public static void AddStorage(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<NodeOptions>().BindConfiguration(NodeOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        var options = builder.Configuration.GetSection(NodeOptions.Section).Get<NodeOptions>() ?? new NodeOptions();
        var manager = builder.Configuration["services:manager:http:0"]
            ?? throw Failure.InvalidRequest("The manager's address is missing: set services__manager__http__0.").Exception();

        builder.AddAccess(options.NodeId.Value);
        services.AddWireJson();
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(s => PackStore.OpenAsync(
            new PackStoreOptions { Directory = options.DataDirectory, NodeId = options.NodeId, ReserveBytes = options.ReserveBytes },
            s.GetRequiredService<ILogger<PackStore>>(), s.GetRequiredService<TimeProvider>(), default).GetAwaiter().GetResult());
        services.AddSingleton(s => new Peers(options.NodeId, s.GetRequiredService<ICatalogue>(), s.GetRequiredService<TimeProvider>(), options.Address, s.GetRequiredService<PeerGrants>()));
        services.AddSingleton(s => ToManager<IManager>(s, manager));
        services.AddSingleton(s => ToManager<IAccess>(s, manager));
        services.AddSingleton<ITokens>(s => new AskedTokens(ToManager<ITokens>(s, manager), s.GetRequiredService<TimeProvider>()));
        services.AddSingleton<ICatalogue>(s => s.GetRequiredService<IManager>());
        services.AddSingleton<IOperator>(s => s.GetRequiredService<IManager>());
        services.AddSingleton<SegmentReceiver>();
        services.AddSingleton<VersionSender>();
        services.AddSingleton<VersionCopy>();
        services.AddSingleton<Copying.CopyRound>();
        services.AddSingleton<Copying.Inventory>();
        services.AddSingleton<PrimaryStore>();
        services.AddSingleton(s => new Collector(s.GetRequiredService<PackStore>(), options.GraceTime, s.GetRequiredService<TimeProvider>(), s.GetRequiredService<ILogger<Collector>>()));
        services.AddHostedService<NodeGauges>();
        services.AddHostedService<MembershipWorker>();
        services.AddHostedService<CollectionWorker>();
        services.AddHealthChecks().AddCheck<MembershipCheck>("membership").AddCheck<DiskCheck>("disk");
    }

    private static T ToManager<T>(IServiceProvider services, string address) where T : class =>
        Clients.Create<T>(new Uri(address), "manager", FailureCode.ManagerUnreachable, ManagerAnswerTime, services.GetRequiredService<PeerGrants>().To(Grant.Manager));
}
