using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Backup.LocalHosting;

/// <summary>The states a resource goes through, by the names Aspire gives them.</summary>
public static class KnownResourceStates
{
    public static readonly string NotStarted = nameof(NotStarted);
    public static readonly string Waiting = nameof(Waiting);
    public static readonly string Starting = nameof(Starting);
    public static readonly string Running = nameof(Running);
    public static readonly string Stopping = nameof(Stopping);
    public static readonly string Exited = nameof(Exited);
    public static readonly string Finished = nameof(Finished);
    public static readonly string FailedToStart = nameof(FailedToStart);

    public static readonly IReadOnlyList<string> TerminalStates = [Finished, FailedToStart, Exited];
}

/// <summary>What to do when the awaited resource has ended or could not start.</summary>
public enum WaitBehavior
{
    WaitOnResourceUnavailable,
    StopOnResourceUnavailable,
}

public sealed record ResourceStateSnapshot(string Text, string? Style);

public sealed record ResourcePropertySnapshot(string Name, object? Value);

public sealed record UrlSnapshot(string? Name, string Url, bool IsInternal);

/// <summary>A resource at one moment.</summary>
public sealed record CustomResourceSnapshot
{
    public ResourceStateSnapshot? State { get; init; }

    /// <summary>Null while it does not run.</summary>
    public HealthStatus? HealthStatus { get; init; }

    public int? ExitCode { get; init; }

    /// <summary>Holds <c>executable.pid</c> while a process runs, as Aspire's does.</summary>
    public ImmutableArray<ResourcePropertySnapshot> Properties { get; init; } = [];

    public ImmutableArray<UrlSnapshot> Urls { get; init; } = [];
}

/// <summary>A resource has changed.</summary>
public class ResourceEvent(IResource resource, string resourceId, CustomResourceSnapshot snapshot)
{
    public IResource Resource { get; } = resource;

    public string ResourceId { get; } = resourceId;

    public CustomResourceSnapshot Snapshot { get; } = snapshot;
}

/// <summary>Keeps the state of each resource, and tells those who wait for one.</summary>
public sealed class ResourceNotificationService
{
    private readonly Lock access = new();
    private readonly Dictionary<string, ResourceEvent> states = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<Waiter> waiters = [];

    public Task WaitForResourceAsync(string resourceName, string? targetState = null, CancellationToken cancellationToken = default) =>
        WaitForResourceAsync(resourceName, [targetState ?? KnownResourceStates.Running], cancellationToken);

    public async Task<string> WaitForResourceAsync(string resourceName, IEnumerable<string> targetStates, CancellationToken cancellationToken = default)
    {
        var reached = await WaitForResourceAsync(resourceName, change => targetStates.Contains(change.Snapshot.State?.Text), cancellationToken);
        return reached.Snapshot.State!.Text;
    }

    public async Task<ResourceEvent> WaitForResourceAsync(string resourceName, Func<ResourceEvent, bool> predicate, CancellationToken cancellationToken = default)
    {
        var waiter = new Waiter(resourceName, predicate, new(TaskCreationOptions.RunContinuationsAsynchronously));
        lock (access)
        {
            if (states.TryGetValue(resourceName, out var now) && predicate(now))
                return now;
            waiters.Add(waiter);
        }

        try
        {
            return await waiter.Met.Task.WaitAsync(cancellationToken);
        }
        finally
        {
            lock (access)
                waiters.Remove(waiter);
        }
    }

    public Task<ResourceEvent> WaitForResourceHealthyAsync(string resourceName, CancellationToken cancellationToken = default) =>
        WaitForResourceHealthyAsync(resourceName, WaitBehavior.StopOnResourceUnavailable, cancellationToken);

    public async Task<ResourceEvent> WaitForResourceHealthyAsync(string resourceName, WaitBehavior waitBehavior, CancellationToken cancellationToken = default)
    {
        var reached = await WaitForResourceAsync(
            resourceName,
            change => change.Snapshot.HealthStatus == HealthStatus.Healthy
                || (waitBehavior == WaitBehavior.StopOnResourceUnavailable && KnownResourceStates.TerminalStates.Contains(change.Snapshot.State?.Text)),
            cancellationToken);
        return reached.Snapshot.HealthStatus == HealthStatus.Healthy
            ? reached
            : throw new DistributedApplicationException($"Stopped waiting for resource '{resourceName}' to become healthy because it failed to start.");
    }

    public bool TryGetCurrentState(string resourceId, [NotNullWhen(true)] out ResourceEvent? resourceEvent)
    {
        lock (access)
            return states.TryGetValue(resourceId, out resourceEvent);
    }

    internal void Publish(IResource resource, Func<CustomResourceSnapshot, CustomResourceSnapshot> change)
    {
        lock (access)
        {
            var before = states.TryGetValue(resource.Name, out var known) ? known.Snapshot : new CustomResourceSnapshot();
            var now = new ResourceEvent(resource, resource.Name, change(before));
            states[resource.Name] = now;
            foreach (var waiter in waiters)
            {
                if (string.Equals(waiter.Name, resource.Name, StringComparison.OrdinalIgnoreCase) && waiter.Predicate(now))
                    waiter.Met.TrySetResult(now);
            }
        }
    }

    private sealed record Waiter(string Name, Func<ResourceEvent, bool> Predicate, TaskCompletionSource<ResourceEvent> Met);
}
