using Microsoft.Extensions.DependencyInjection;

namespace Backup.LocalHosting.Testing;

/// <summary>How a test reaches the resources of a running application.</summary>
public static class DistributedApplicationHostingTestingExtensions
{
    public static HttpClient CreateHttpClient(this DistributedApplication app, string resourceName, string? endpointName = default) =>
        new() { BaseAddress = app.GetEndpoint(resourceName, endpointName) };

    /// <summary>The named endpoint, or the one named http.</summary>
    public static Uri GetEndpoint(this DistributedApplication app, string resourceName, string? endpointName = default)
    {
        var resource = app.Services.GetRequiredService<DistributedApplicationModel>().Find(resourceName);
        var endpoint = (resource as ProjectResource)?.Endpoints.FirstOrDefault(endpoint => endpoint.EndpointName == (endpointName ?? "http"))
            ?? throw new ArgumentException($"{resourceName} has no endpoint '{endpointName ?? "http"}'.", nameof(endpointName));
        return new Uri(endpoint.Url);
    }

    public static ValueTask<string?> GetConnectionStringAsync(this DistributedApplication app, string resourceName, CancellationToken cancellationToken = default) =>
        app.Services.GetRequiredService<DistributedApplicationModel>().Find(resourceName) is IResourceWithConnectionString resource
            ? resource.GetConnectionStringAsync(cancellationToken)
            : throw new ArgumentException($"{resourceName} has no connection string.", nameof(resourceName));
}
