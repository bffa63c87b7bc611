namespace Backup.LocalHosting;

/// <summary>Something the application consists of, by its name.</summary>
public interface IResource
{
    string Name { get; }
}

/// <summary>A resource that is given environment variables.</summary>
public interface IResourceWithEnvironment : IResource;

/// <summary>A resource that is given arguments.</summary>
public interface IResourceWithArgs : IResource;

/// <summary>A resource that listens.</summary>
public interface IResourceWithEndpoints : IResource;

/// <summary>A resource whose addresses others are told, as <c>services__NAME__ENDPOINT__0</c>.</summary>
public interface IResourceWithServiceDiscovery : IResourceWithEndpoints;

/// <summary>A resource that starts only when others are ready.</summary>
public interface IResourceWithWaitSupport : IResource;

/// <summary>A resource that others reach by a connection string, told as <c>ConnectionStrings__NAME</c>.</summary>
public interface IResourceWithConnectionString : IResource
{
    ValueTask<string?> GetConnectionStringAsync(CancellationToken cancellationToken = default);
}

/// <summary>The base of all resources.</summary>
public abstract class Resource(string name) : IResource
{
    public string Name { get; } = name;
}

/// <summary>A project of the solution, run as a child process.</summary>
public class ProjectResource(string name, string projectPath) : Resource(name),
    IResourceWithEnvironment, IResourceWithArgs, IResourceWithServiceDiscovery, IResourceWithWaitSupport
{
    internal string ProjectPath { get; } = projectPath;

    internal List<EndpointReference> Endpoints { get; } = [];

    internal List<string> Args { get; } = [];

    /// <summary>Settings in the order they were made; the value is asked for when the process starts.</summary>
    internal List<KeyValuePair<string, Func<CancellationToken, ValueTask<string?>>>> Environment { get; } = [];

    internal List<IResource> WaitsFor { get; } = [];

    /// <summary>Names of registered health checks; the resource is healthy when all of them are.</summary>
    internal List<string> HealthChecks { get; } = [];

    internal bool ExplicitStart { get; set; }
}

/// <summary>A connection string that stands in the configuration.</summary>
internal sealed class ConfiguredConnectionString(string name, Func<string?> read) : Resource(name), IResourceWithConnectionString
{
    public ValueTask<string?> GetConnectionStringAsync(CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<string?>(read() ?? throw new DistributedApplicationException(
            $"ConnectionStrings:{Name} is not set (as argument, in the environment or in appsettings.json)."));
}

/// <summary>A value from outside: an argument, the environment or appsettings.</summary>
public class ParameterResource(string name, Func<string?> read) : Resource(name), IValueProvider
{
    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken) =>
        ValueTask.FromResult<string?>(read() ?? throw new DistributedApplicationException($"Parameters:{Name} is not set."));
}

/// <summary>A Redis in a container: known here by name only, see <see cref="RedisBuilderExtensions"/>.</summary>
public class RedisResource(string name) : Resource(name), IResourceWithConnectionString, IResourceWithArgs, IResourceWithWaitSupport
{
    public ValueTask<string?> GetConnectionStringAsync(CancellationToken cancellationToken = default) =>
        throw new DistributedApplicationException($"{Name} is a container, and these need the Aspire packages.");
}

/// <summary>What is wrong with the application, in one sentence.</summary>
public class DistributedApplicationException(string message) : Exception(message);

/// <summary>A project a resource may be made of; the build writes one class for each into <c>Projects</c>.</summary>
public interface IProjectMetadata
{
    /// <summary>Full path of the project file.</summary>
    string ProjectPath { get; }
}

/// <summary>How a project is taken into the application.</summary>
public class ProjectResourceOptions
{
    /// <summary>Here always so: endpoints come from the AppHost, never from launchSettings.</summary>
    public bool ExcludeLaunchProfile { get; set; }
}

/// <summary>The resources, for those who look them up.</summary>
public class DistributedApplicationModel(IEnumerable<IResource> resources)
{
    public IReadOnlyList<IResource> Resources { get; } = [.. resources];

    internal IResource Find(string name) =>
        Resources.FirstOrDefault(resource => string.Equals(resource.Name, name, StringComparison.OrdinalIgnoreCase))
        ?? throw new ArgumentException($"There is no resource '{name}'.", nameof(name));
}
