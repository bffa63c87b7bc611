using Backup.Manager.Alarms;
using Backup.Manager.Measuring;
using Backup.Manager.Redis;
using Backup.Protocol;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Backup.Manager;

/// <summary>All that a manager is made of, for the process and for tests alike.</summary>
public static class ManagerSetup
{
    /// <param name="redis">Connection string, as StackExchange.Redis takes it.</param>
    public static IServiceCollection AddManager(this IServiceCollection services, string redis)
    {
        services.AddOptions<ClusterOptions>().BindConfiguration(ClusterOptions.Section).ValidateDataAnnotations().ValidateOnStart()
            .Validate(options => options.WebhookAddresses() is not null, "Cluster:Webhooks takes http or https addresses, with commas or spaces between.");
        services.AddSingleton(_ => Metadata.Connect(redis));
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<Placer>().AddSingleton<Quotas>().AddSingleton<Reservations>().AddSingleton<Committer>();
        services.AddSingleton<Names>().AddSingleton<Listing>().AddSingleton<Registry>().AddSingleton<Status>().AddSingleton<Collection.Snapshots>().AddSingleton<Collection.Retention>().AddSingleton<Collection.Drops>();
        services.AddSingleton<ClusterView>().AddSingleton<EventLog>();
        services.AddSingleton<NodeCalls>().AddSingleton<FileWalk>().AddSingleton<FileRepair>().AddSingleton<Reconciler>().AddSingleton<RepairRequests>().AddSingleton<WhatIf>();
        services.AddSingleton<ManagerCatalogue>();
        services.AddSingleton<Rebuilder>().AddSingleton<IRebuilder>(all => all.GetRequiredService<Rebuilder>()).AddSingleton<VersionMerger>().AddSingleton<MomentKeeper>();
        services.AddSingleton<RebuildWorker>().AddHostedService(all => all.GetRequiredService<RebuildWorker>());
        services.AddSingleton<IManager>(all => all.GetRequiredService<ManagerCatalogue>());
        services.AddSingleton<ICatalogue>(all => all.GetRequiredService<ManagerCatalogue>());
        services.AddSingleton<Network>(all => new PeerNetwork(all.GetRequiredService<PeerGrants>(), (uri, ct) => all.GetRequiredService<Registry>().NodeAtAsync(uri, ct)));
        services.AddSingleton<Access.Tokens>();
        services.AddSingleton<IAccess>(all => all.GetRequiredService<Access.Tokens>());
        services.AddSingleton<ITokens>(all => all.GetRequiredService<Access.Tokens>());
        services.AddSingleton<IOperator>(all => all.GetRequiredService<ManagerCatalogue>());
        services.AddHealthChecks().AddCheck<RedisCheck>("redis", timeout: RedisCheck.AnswerTimeMax).AddCheck<RebuildCheck>("rebuild", timeout: RedisCheck.AnswerTimeMax);
        services.AddHostedService<ClusterGauges>();
        services.AddSingleton<ClientRuns>();
        services.AddSingleton<OverdueWorker>().AddHostedService(all => all.GetRequiredService<OverdueWorker>());
        services.AddWebhooks();
        services.AddSingleton<ReservationExpiry>().AddHostedService(all => all.GetRequiredService<ReservationExpiry>());
        services.AddSingleton<Watch>().AddHostedService(all => all.GetRequiredService<Watch>());
        services.AddSingleton<Collection.Forgetter>().AddHostedService(all => all.GetRequiredService<Collection.Forgetter>());
        return services.AddSingleton<RepairWorker>().AddHostedService(all => all.GetRequiredService<RepairWorker>());
    }
}
