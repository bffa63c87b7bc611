using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Backup.LocalHosting.Testing;

/// <summary>The application as AppHost.cs describes it, before it is built: a test may change it here.</summary>
public interface IDistributedApplicationTestingBuilder : IAsyncDisposable
{
    ConfigurationManager Configuration { get; }

    IServiceCollection Services { get; }

    Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken = default);
}

/// <summary>Runs an AppHost's own code under a test.</summary>
public static class DistributedApplicationTestingBuilder
{
    /// <param name="args">What a command line would give it.</param>
    /// <typeparam name="TEntryPoint">Any type of the AppHost's assembly; the build writes <c>Projects.NAME</c> into it.</typeparam>
    public static async Task<IDistributedApplicationTestingBuilder> CreateAsync<TEntryPoint>(string[] args, CancellationToken cancellationToken = default)
        where TEntryPoint : class
    {
        var harness = new TestHarness(typeof(TEntryPoint).Assembly);
        return new TestingBuilder(harness, await harness.DescribeAsync(args).WaitAsync(cancellationToken));
    }

    private sealed class TestingBuilder(TestHarness harness, IDistributedApplicationBuilder builder) : IDistributedApplicationTestingBuilder
    {
        public ConfigurationManager Configuration => builder.Configuration;

        public IServiceCollection Services => builder.Services;

        public Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken = default) =>
            harness.BuildAsync().WaitAsync(cancellationToken);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
