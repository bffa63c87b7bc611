using Backup.Protocol;
using Backup.ServiceDefaults;
using Backup.Storage.Collection;
using Backup.Storage.Health;
using Backup.Storage.Membership;
using Backup.Storage.Packs;
using Backup.Storage.Primary;
using Backup.Storage.Reading;
using Backup.Storage.Scrub;
using Backup.Storage.Segments;
using Microsoft.Extensions.Options;

namespace Backup.Storage;

/// <summary>What a node is made of.</summary>
public static class StorageSetup
{
    /// <summary>The manager gives Redis a few seconds; one that takes longer itself hangs.</summary>
    private static readonly TimeSpan ManagerAnswerTime = TimeSpan.FromSeconds(10);

    /// <summary>The same for renewing a lease where there are several managers: one that hangs is left in time for the lease of six seconds.</summary>
    private static readonly TimeSpan LeaseAnswerTime = TimeSpan.FromSeconds(2);

    /// <summary>Registers everything. The data directory is opened, and what a crash left recovered, when the store is first asked for.</summary>
    public static void AddStorage(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<NodeOptions>().BindConfiguration(NodeOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        var options = builder.Configuration.GetSection(NodeOptions.Section).Get<NodeOptions>() ?? new NodeOptions();
        var managers = new Servers(Managers(builder.Configuration));

        builder.AddAccess(options.NodeId.Value);
        services.AddWireJson();
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(s => PackStore.OpenAsync(
            new PackStoreOptions { Directory = options.DataDirectory, NodeId = options.NodeId, ReserveBytes = options.ReserveBytes },
            s.GetRequiredService<ILogger<PackStore>>(), s.GetRequiredService<TimeProvider>(), default).GetAwaiter().GetResult());
        services.AddSingleton<Network>(s => new PeerNetwork(s.GetRequiredService<PeerGrants>(), async (uri, ct) =>
            uri.Authority == options.Address?.Authority ? options.Id : await s.GetRequiredService<Peers>().NodeAtAsync(uri, ct)));
        services.AddSingleton(s => new Peers(options.NodeId, s.GetRequiredService<ICatalogue>(), s.GetRequiredService<TimeProvider>(), s.GetRequiredService<Network>()));
        services.AddSingleton(s => ToManager<IManager>(s, managers));
        services.AddSingleton(s => ToManager<IAccess>(s, managers));
        services.AddSingleton<ITokens>(s => new AskedTokens(ToManager<ITokens>(s, managers), s.GetRequiredService<TimeProvider>()));
        services.AddSingleton<ICatalogue>(s => s.GetRequiredService<IManager>());
        services.AddSingleton(s => ToManager<IRebuilder>(s, managers));
        services.AddSingleton<IOperator>(s => s.GetRequiredService<IManager>());
        services.AddSingleton<EncryptedClients>();
        services.AddSingleton<SegmentReceiver>();
        services.AddSingleton<VersionSender>();
        services.AddSingleton<VersionCopy>();
        services.AddSingleton<Copying.CopyRound>();
        services.AddSingleton<Copying.Inventory>();
        services.AddSingleton<PrimaryStore>();
        services.AddSingleton(s => new Collector(s.GetRequiredService<PackStore>(), options.GraceTime, s.GetRequiredService<TimeProvider>(), s.GetRequiredService<ILogger<Collector>>()));
        services.AddHostedService<NodeGauges>();
        services.AddHostedService(s => ActivatorUtilities.CreateInstance<MembershipWorker>(s,
            ToManager<IManager>(s, managers, managers.Count > 1 ? LeaseAnswerTime : ManagerAnswerTime)));
        services.AddHostedService<CollectionWorker>();
        services.AddSingleton<KeptMoments>().AddSingleton<NodeInventory>().AddSingleton<CopyStates>().AddSingleton<DamagedVersions>().AddSingleton<VersionRepair>();
        services.AddHostedService<DamageWorker>();
        services.AddHostedService(s => new ScrubWorker(s.GetRequiredService<PackStore>(), s.GetRequiredService<VersionRepair>(), options.ScrubInterval,
            s.GetRequiredService<TimeProvider>(), s.GetRequiredService<ILogger<ScrubWorker>>()));
        services.AddHealthChecks().AddCheck<MembershipCheck>("membership").AddCheck<DiskCheck>("disk");
    }

    private static T ToManager<T>(IServiceProvider services, Servers managers, TimeSpan? answerTime = null) where T : class =>
        Clients.CreateAny<T>(managers, "manager", FailureCode.ManagerUnreachable, answerTime ?? ManagerAnswerTime, services.GetRequiredService<PeerGrants>().To(Grant.Manager));

    /// <summary>The addresses of all managers: services:manager:http:0, services:manager-2:http:0 and so on.</summary>
    private static Uri[] Managers(IConfiguration configuration)
    {
        Uri[] managers = [.. configuration.GetSection("services").GetChildren()
            .Where(service => service.Key == "manager" || service.Key.StartsWith("manager-", StringComparison.Ordinal))
            .OrderBy(service => service.Key.Length).ThenBy(service => service.Key, StringComparer.Ordinal)
            .SelectMany(service => service.GetSection("http").GetChildren()).Select(address => address.Value).OfType<string>().Select(address => new Uri(address))];
        return managers.Length > 0 ? managers
            : throw Failure.InvalidRequest("The manager's address is missing: set services__manager__http__0.").Exception();
    }
}
