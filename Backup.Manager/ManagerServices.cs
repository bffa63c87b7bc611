using Backup.Manager.Redis;
using Backup.Protocol;

namespace Backup.Manager;

/// <summary>All that a manager is made of, for the process and for tests alike.</summary>
public static class ManagerServices
{
    /// <param name="redis">Connection string, as StackExchange.Redis takes it.</param>
    public static IServiceCollection AddManager(this IServiceCollection services, string redis)
    {
        services.AddOptions<ClusterOptions>().BindConfiguration(ClusterOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton(_ => Metadata.Connect(redis));
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton<Placer>().AddSingleton<Reservations>().AddSingleton<Committer>();
        services.AddSingleton<Names>().AddSingleton<Listing>().AddSingleton<Registry>().AddSingleton<Status>();
        services.AddSingleton<ClusterManager>();
        services.AddSingleton<IManager>(all => all.GetRequiredService<ClusterManager>());
        services.AddSingleton<ICatalogue>(all => all.GetRequiredService<ClusterManager>());
        services.AddSingleton<ReservationExpiry>();
        return services.AddHostedService(all => all.GetRequiredService<ReservationExpiry>());
    }
}
