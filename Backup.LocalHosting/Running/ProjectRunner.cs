using System.Diagnostics;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Backup.LocalHosting;

/// <summary>What all runners use.</summary>
internal sealed record RunnerTools(
    ResourceNotificationService Notifications,
    ResourceLoggerService Logs,
    HealthCheckService Health,
    BuildConfiguration Configuration,
    TimeProvider Time,
    CancellationToken ApplicationStopping,
    Func<ProjectResource, IEnumerable<KeyValuePair<string, string>>> TelemetryEnvironment);

/// <summary>One resource's life: waits for what it needs, starts its process, watches its health, notes its end.</summary>
internal sealed class ProjectRunner(ProjectResource resource, RunnerTools tools)
{
    /// <summary>Until it is healthy somebody is waiting; afterwards health is for show.</summary>
    private static readonly TimeSpan ProbeUntilHealthy = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan ProbeWhenHealthy = TimeSpan.FromSeconds(5);

    /// <summary>The children end themselves within eight seconds; the hosting promises ten.</summary>
    public static readonly TimeSpan StopPatienceMax = TimeSpan.FromSeconds(9);

    /// <summary>How far apart a signal to a process group may reach its members.</summary>
    public static readonly TimeSpan SignalsApart = TimeSpan.FromMilliseconds(200);

    private readonly SemaphoreSlim commands = new(1);
    private CancellationTokenSource? stop;
    private TimeSpan stopPatience = StopPatienceMax;
    private Task life = Task.CompletedTask;

    /// <summary>The process has ended, and only what is left to tidy keeps its life from being over.</summary>
    private volatile bool isOver = true;

    public ProjectResource Resource => resource;

    /// <summary>Sets it on its way; does nothing when it runs already.</summary>
    public async Task StartAsync()
    {
        await commands.WaitAsync();
        try
        {
            if (!isOver)
                return;

            // Whoever was told of the end may be here before it is over: that is no reason not to start again.
            await life;
            stop?.Dispose();
            stop = new CancellationTokenSource();
            isOver = false;
            Publish(KnownResourceStates.Starting);
            life = LiveAsync(stop.Token);
        }
        finally
        {
            commands.Release();
        }
    }

    /// <summary>Returns when the process has ended, by itself or after the patience by force.</summary>
    public async Task StopAsync(TimeSpan? patience = null)
    {
        await commands.WaitAsync();
        try
        {
            stopPatience = patience ?? StopPatienceMax;
            if (stop is not null)
                await stop.CancelAsync();
            await life;
        }
        finally
        {
            commands.Release();
        }
    }

    private async Task LiveAsync(CancellationToken stopping)
    {
        try
        {
            // Not on the caller's time.
            await Task.Yield();
            if (!await OthersAreReadyAsync(stopping))
            {
                Publish(KnownResourceStates.FailedToStart);
                return;
            }

            Publish(KnownResourceStates.Starting);
            using var child = ChildProcess.Start(await CommandAsync(stopping), (text, isError) => tools.Logs.Write(resource.Name, text, isError));
            PublishRunning(child.Id);
            await WatchAsync(child, stopping);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            Publish(KnownResourceStates.Exited);
        }
        catch (Exception failure)
        {
            tools.Logs.Write(resource.Name, $"did not start: {failure.Message}", isError: true);
            Publish(KnownResourceStates.FailedToStart);
        }
    }

    /// <summary>False when one of them could not start. It has said why; to repeat it for each would bury that.</summary>
    private async Task<bool> OthersAreReadyAsync(CancellationToken stopping)
    {
        if (resource.WaitsFor.Count > 0)
            Publish(KnownResourceStates.Waiting);
        try
        {
            // A connection string has no life of its own.
            foreach (var other in resource.WaitsFor.Where(other => other is ProjectResource or RedisResource))
                await tools.Notifications.WaitForResourceHealthyAsync(other.Name, stopping);
            return true;
        }
        catch (DistributedApplicationException)
        {
            return false;
        }
    }

    private async Task<ProcessStartInfo> CommandAsync(CancellationToken stopping)
    {
        var command = ProjectBinary.Command(resource.ProjectPath, tools.Configuration, resource.Args);
        var urls = resource.Endpoints.Where(endpoint => endpoint.IsHttp).Select(endpoint => endpoint.Url).ToList();
        if (urls.Count > 0)
            command.Environment["ASPNETCORE_URLS"] = string.Join(';', urls);
        foreach (var (name, value) in tools.TelemetryEnvironment(resource))
            command.Environment[name] = value;
        foreach (var (name, value) in resource.Environment)
            command.Environment[name] = await value(stopping);
        return command;
    }

    private async Task WatchAsync(ChildProcess child, CancellationToken stopping)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var health = WatchHealthAsync(ended.Token);
        var asked = new TaskCompletionSource();
        await using var registration = stopping.Register(() => asked.TrySetResult());
        await Task.WhenAny(child.Exited, asked.Task);
        await ended.CancelAsync();
        await health;

        if (!child.Exited.IsCompleted)
        {
            Publish(KnownResourceStates.Stopping);
            await child.StopAsync(stopPatience, tools.Time);
        }
        else if (!await IsEndingAsync(stopping))
        {
            tools.Logs.Write(resource.Name, $"ended by itself with exit code {child.Exited.Result}", isError: true);
        }

        Publish(KnownResourceStates.Exited, await child.Exited);
    }

    /// <summary>
    /// A signal to the whole process group reaches the children as soon as it reaches us: give our own stop a moment
    /// to begin before calling theirs unexpected.
    /// </summary>
    private async Task<bool> IsEndingAsync(CancellationToken stopping)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stopping, tools.ApplicationStopping);
        await Task.Delay(SignalsApart, tools.Time, ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return ending.IsCancellationRequested;
    }

    private async Task WatchHealthAsync(CancellationToken ended)
    {
        while (!ended.IsCancellationRequested)
        {
            var status = HealthStatus.Healthy;
            if (resource.HealthChecks.Count > 0)
            {
                try
                {
                    status = (await tools.Health.CheckHealthAsync(check => resource.HealthChecks.Contains(check.Name), ended)).Status;
                }
                catch (OperationCanceledException)
                {
                    return;
                }
            }

            tools.Notifications.Publish(resource, now => now with { HealthStatus = status });
            var pause = status == HealthStatus.Healthy ? ProbeWhenHealthy : ProbeUntilHealthy;
            await Task.Delay(pause, tools.Time, ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Publish(string state, int? exitCode = null)
    {
        isOver = KnownResourceStates.TerminalStates.Contains(state);
        tools.Notifications.Publish(resource, now => now with { State = new(state, null), HealthStatus = null, ExitCode = exitCode, Properties = [] });
    }

    private void PublishRunning(int processId) =>
        tools.Notifications.Publish(resource, now => now with
        {
            State = new(KnownResourceStates.Running, null),
            Properties = [new("executable.pid", processId)],
            Urls = [.. resource.Endpoints.Select(endpoint => new UrlSnapshot(endpoint.EndpointName, endpoint.Url, IsInternal: false))],
        });
}
