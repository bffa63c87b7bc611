using System.Reflection;
using Backup.LocalHosting.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Backup.LocalHosting;

/// <summary>Describes the application.</summary>
public interface IDistributedApplicationBuilder
{
    ConfigurationManager Configuration { get; }

    IHostEnvironment Environment { get; }

    IServiceCollection Services { get; }

    /// <summary>The directory of the AppHost's project.</summary>
    string AppHostDirectory { get; }

    IResourceBuilder<T> AddResource<T>(T resource)
        where T : IResource;

    DistributedApplication Build();
}

internal sealed class DistributedApplicationBuilder : IDistributedApplicationBuilder
{
    /// <summary>Every resource has ended within the ten seconds it is given, or is killed; the rest is for tidying up.</summary>
    private static readonly TimeSpan ShutdownTimeMax = TimeSpan.FromSeconds(15);

    private readonly HostApplicationBuilder host;
    private readonly TestHarness? harness;
    private readonly List<IResource> resources = [];

    public DistributedApplicationBuilder(string[] args, TestHarness? harness)
    {
        this.harness = harness;
        var appHost = harness?.AppHost ?? Assembly.GetEntryAssembly()!;
        AppHostDirectory = appHost.GetCustomAttributes<AssemblyMetadataAttribute>().First(pair => pair.Key == "AppHostProjectPath").Value!;
        host = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings
        {
            Args = args,
            ApplicationName = appHost.GetName().Name,
            ContentRootPath = AppHostDirectory,
        });
        // The resources speak for themselves; this process only when something is wrong.
        host.Logging.SetMinimumLevel(LogLevel.Warning);
        // That something is not ready yet is what a start looks like.
        host.Logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None);
        host.Services.Configure<HostOptions>(options => options.ShutdownTimeout = ShutdownTimeMax);
        host.Services.AddHealthChecks();
        host.Services.AddSingleton(TimeProvider.System);
        host.Services.AddSingleton(_ => new DistributedApplicationModel(resources));
        host.Services.AddSingleton(new ResourceLoggerService(toConsole: harness is null));
        host.Services.AddSingleton<ResourceNotificationService>();
        host.Services.AddSingleton<ResourceCommandService>();
        host.Services.AddSingleton(new BuildConfiguration(appHost.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration));
        if (harness is null)
            host.Services.AddSingleton<AspireDashboard>();
        host.Services.AddSingleton<Orchestrator>();
        host.Services.AddHostedService(services => services.GetRequiredService<Orchestrator>());
    }

    public ConfigurationManager Configuration => host.Configuration;

    public IHostEnvironment Environment => host.Environment;

    public IServiceCollection Services => host.Services;

    public string AppHostDirectory { get; }

    public IResourceBuilder<T> AddResource<T>(T resource)
        where T : IResource
    {
        if (resources.Any(other => string.Equals(other.Name, resource.Name, StringComparison.OrdinalIgnoreCase)))
            throw new DistributedApplicationException($"There are two resources named '{resource.Name}'.");

        resources.Add(resource);
        return new ResourceBuilder<T>(this, resource);
    }

    public DistributedApplication Build()
    {
        harness?.WaitUntilTestBuilds(this);
        var application = new DistributedApplication(host.Build(), harness);
        harness?.Built(application);
        return application;
    }
}
