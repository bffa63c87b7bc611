using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace Backup.LocalHosting;

/// <summary>Starts every resource with the application, and ends them in the opposite order.</summary>
internal sealed class Orchestrator : IHostedService
{
    /// <summary>Nodes, manager and Redis are three levels: the last is asked to end after five seconds at the latest.</summary>
    private static readonly TimeSpan DependentsPatience = TimeSpan.FromSeconds(2.5);

    private readonly TimeProvider time;
    private readonly DistributedApplicationModel model;
    private readonly ResourceNotificationService notifications;
    private readonly ResourceLoggerService logs;
    private readonly AspireDashboard? dashboard;
    private readonly Dictionary<string, ProjectRunner> runners;

    public Orchestrator(IServiceProvider services)
    {
        time = services.GetRequiredService<TimeProvider>();
        model = services.GetRequiredService<DistributedApplicationModel>();
        notifications = services.GetRequiredService<ResourceNotificationService>();
        logs = services.GetRequiredService<ResourceLoggerService>();
        dashboard = services.GetService<AspireDashboard>();
        var tools = new RunnerTools(
            notifications,
            logs,
            services.GetRequiredService<HealthCheckService>(),
            services.GetRequiredService<BuildConfiguration>(),
            time,
            services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping,
            resource => dashboard?.TelemetryEnvironment(resource.Name) ?? []);
        runners = model.Resources.OfType<ProjectResource>()
            .ToDictionary(resource => resource.Name, resource => new ProjectRunner(resource, tools), StringComparer.OrdinalIgnoreCase);
    }

    public ProjectRunner? Find(string name) => runners.GetValueOrDefault(name);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        dashboard?.Start();
        foreach (var container in model.Resources.OfType<RedisResource>())
        {
            logs.Write(container.Name, "needs the Aspire packages and a container runtime. Without them let the cluster run its own Redis (Cluster:Redis=embedded) or name one (external).", isError: true);
            notifications.Publish(container, now => now with { State = new(KnownResourceStates.FailedToStart, null) });
        }

        foreach (var runner in runners.Values)
        {
            if (runner.Resource.ExplicitStart)
                notifications.Publish(runner.Resource, now => now with { State = new(KnownResourceStates.NotStarted, null) });
            else
                await runner.StartAsync();
        }
    }

    /// <summary>
    /// Those that wait for another at the start end before it. All of them within the time promised: who is late
    /// holds up those it depends on for a while only, and is killed with them.
    /// </summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        var stops = new Dictionary<ProjectRunner, Task>();
        await Task.WhenAll(runners.Values.Select(StopOnceAsync));
        if (dashboard is not null)
            await dashboard.StopAsync();

        Task StopOnceAsync(ProjectRunner runner)
        {
            if (!stops.TryGetValue(runner, out var stop))
                stops[runner] = stop = StopAfterAsync(runner, [.. Dependents(runner).Select(StopOnceAsync)]);
            return stop;
        }

        async Task StopAfterAsync(ProjectRunner runner, Task[] dependents)
        {
            await Task.WhenAny(Task.WhenAll(dependents), Task.Delay(DependentsPatience, time, cancellationToken));
            var left = ProjectRunner.StopPatienceMax - time.GetElapsedTime(began);
            await runner.StopAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero);
        }
    }

    private IEnumerable<ProjectRunner> Dependents(ProjectRunner runner) =>
        runners.Values.Where(other => other.Resource.WaitsFor.Contains(runner.Resource));
}
