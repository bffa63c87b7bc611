using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Backup.LocalHosting;

/// <summary>What AppHost.cs says of a resource. Each method has the name, the parameters and the effect of Aspire's.</summary>
[SuppressMessage("Style", "IDE0060", Justification = "The parameters are those of Aspire, used here or not.")]
public static class ResourceBuilderExtensions
{
    public static IResourceBuilder<T> WithHttpEndpoint<T>(
        this IResourceBuilder<T> builder, int? port = null, int? targetPort = null, string? name = null, string? env = null, bool? isProxied = null)
        where T : IResourceWithEndpoints =>
        builder.WithEndpoint(port, targetPort, "http", name, env, isProxied);

    /// <summary>The port must be named: here a process is reached directly, and must be told where to listen.</summary>
    public static IResourceBuilder<T> WithEndpoint<T>(
        this IResourceBuilder<T> builder, int? port = null, int? targetPort = null, string? scheme = null, string? name = null, string? env = null, bool? isProxied = null)
        where T : IResourceWithEndpoints
    {
        var project = Project(builder);
        scheme ??= "tcp";
        var fixedPort = targetPort ?? port ?? throw new DistributedApplicationException($"Without the Aspire packages {project.Name}'s endpoint needs a port.");
        project.Endpoints.Add(new EndpointReference(name ?? scheme, scheme, fixedPort));
        if (env is not null)
            Set(project, env, $"{fixedPort}");
        return builder;
    }

    public static EndpointReference GetEndpoint<T>(this IResourceBuilder<T> builder, string name)
        where T : IResourceWithEndpoints =>
        Project(builder).Endpoints.First(endpoint => endpoint.EndpointName == name);

    public static IResourceBuilder<T> WithEnvironment<T>(this IResourceBuilder<T> builder, string name, string? value)
        where T : IResourceWithEnvironment =>
        Set(builder, name, _ => ValueTask.FromResult(value));

    public static IResourceBuilder<T> WithEnvironment<T>(this IResourceBuilder<T> builder, string name, Func<string> callback)
        where T : IResourceWithEnvironment =>
        Set(builder, name, _ => ValueTask.FromResult<string?>(callback()));

    public static IResourceBuilder<T> WithEnvironment<T>(this IResourceBuilder<T> builder, string name, EndpointReference endpointReference)
        where T : IResourceWithEnvironment =>
        Set(builder, name, _ => ValueTask.FromResult<string?>(endpointReference.Url));

    public static IResourceBuilder<T> WithEnvironment<T>(this IResourceBuilder<T> builder, string name, IResourceBuilder<ParameterResource> parameter)
        where T : IResourceWithEnvironment =>
        Set(builder, name, parameter.Resource.GetValueAsync);

    public static IResourceBuilder<T> WithEnvironment<T>(this IResourceBuilder<T> builder, string name, ReferenceExpression value)
        where T : IResourceWithEnvironment =>
        Set(builder, name, value.GetValueAsync);

    public static IResourceBuilder<T> WithArgs<T>(this IResourceBuilder<T> builder, params string[] args)
        where T : IResourceWithArgs
    {
        // A container's arguments are for the packages to pass.
        if (builder.Resource is ProjectResource project)
            project.Args.AddRange(args);
        return builder;
    }

    /// <summary>Tells the process where the other one is: <c>services__NAME__ENDPOINT__0</c> for each of its endpoints.</summary>
    public static IResourceBuilder<TDestination> WithReference<TDestination>(
        this IResourceBuilder<TDestination> builder, IResourceBuilder<IResourceWithServiceDiscovery> source)
        where TDestination : IResourceWithEnvironment
    {
        foreach (var endpoint in Project(source).Endpoints)
            Set(Project(builder), $"services__{source.Resource.Name}__{endpoint.EndpointName}__0", endpoint.Url);
        return builder;
    }

    /// <summary>Tells the process how to connect: <c>ConnectionStrings__NAME</c>.</summary>
    public static IResourceBuilder<TDestination> WithReference<TDestination>(
        this IResourceBuilder<TDestination> builder, IResourceBuilder<IResourceWithConnectionString> source, string? connectionName = null, bool optional = false)
        where TDestination : IResourceWithEnvironment =>
        Set(builder, $"ConnectionStrings__{connectionName ?? source.Resource.Name}", source.Resource.GetConnectionStringAsync);

    public static IResourceBuilder<T> WaitFor<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency)
        where T : IResourceWithWaitSupport
    {
        Project(builder).WaitsFor.Add(dependency.Resource);
        return builder;
    }

    /// <summary>Healthy when GET on the path of its http endpoint answers 200, or what is named.</summary>
    public static IResourceBuilder<T> WithHttpHealthCheck<T>(
        this IResourceBuilder<T> builder, string? path = null, int? statusCode = null, string? endpointName = null)
        where T : IResourceWithEndpoints
    {
        var endpoint = builder.GetEndpoint(endpointName ?? "http");
        var key = $"{builder.Resource.Name}_{endpoint.EndpointName}_{path}_check";
        builder.ApplicationBuilder.Services.AddHealthChecks().Add(new HealthCheckRegistration(
            key, _ => new HttpHealthCheck(new Uri(endpoint.Url + path), statusCode ?? 200), failureStatus: null, tags: null));
        Project(builder).HealthChecks.Add(key);
        return builder;
    }

    /// <summary>Healthy when the check that is registered under the key says so.</summary>
    public static IResourceBuilder<T> WithHealthCheck<T>(this IResourceBuilder<T> builder, string key)
        where T : IResource
    {
        Project(builder).HealthChecks.Add(key);
        return builder;
    }

    /// <summary>No effect: endpoints are never exposed beyond this machine here.</summary>
    public static IResourceBuilder<T> WithExternalHttpEndpoints<T>(this IResourceBuilder<T> builder)
        where T : IResourceWithEndpoints => builder;

    /// <summary>Not started with the application, only by the command <c>start</c>.</summary>
    public static IResourceBuilder<T> WithExplicitStart<T>(this IResourceBuilder<T> builder)
        where T : IResource
    {
        Project(builder).ExplicitStart = true;
        return builder;
    }

    private static IResourceBuilder<T> Set<T>(IResourceBuilder<T> builder, string name, Func<CancellationToken, ValueTask<string?>> value)
        where T : IResource
    {
        Project(builder).Environment.Add(new(name, value));
        return builder;
    }

    private static void Set(ProjectResource project, string name, string value) =>
        project.Environment.Add(new(name, _ => ValueTask.FromResult<string?>(value)));

    private static ProjectResource Project<T>(IResourceBuilder<T> builder)
        where T : IResource =>
        builder.Resource as ProjectResource
        ?? throw new DistributedApplicationException($"{builder.Resource.Name}: without the Aspire packages only projects can be configured so.");
}

/// <summary>Asks a process over HTTP whether it is ready.</summary>
internal sealed class HttpHealthCheck(Uri url, int statusCode) : IHealthCheck
{
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(2) };

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            using var answer = await Http.GetAsync(url, cancellationToken);
            return (int)answer.StatusCode == statusCode
                ? HealthCheckResult.Healthy()
                : HealthCheckResult.Unhealthy($"{url} answered {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync(cancellationToken)}");
        }
        catch (Exception failure) when (failure is HttpRequestException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return HealthCheckResult.Unhealthy($"{url}: {failure.Message}");
        }
    }
}
