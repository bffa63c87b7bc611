using System.Reflection;

namespace Backup.LocalHosting.Testing;

/// <summary>
/// Stands between a test and the AppHost's own <c>Main</c>, which runs on a thread of its own: <c>Main</c> is held
/// where it builds until the test says so, and where it runs until the test disposes the application.
/// </summary>
internal sealed class TestHarness(Assembly appHost)
{
    private static readonly AsyncLocal<TestHarness?> Ambient = new();

    private readonly TaskCompletionSource<IDistributedApplicationBuilder> described = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource testBuilds = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<DistributedApplication> built = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource mainEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The harness whose AppHost is running on this thread of execution.</summary>
    public static TestHarness? Current => Ambient.Value;

    public Assembly AppHost { get; } = appHost;

    public Task Ended => ended.Task;

    public Task<IDistributedApplicationBuilder> DescribeAsync(string[] args)
    {
        var main = new Thread(() =>
        {
            Ambient.Value = this;
            RunMain(args);
            mainEnded.TrySetResult();
        })
        {
            IsBackground = true,
            Name = "AppHost",
        };
        main.Start();
        return described.Task;
    }

    public Task<DistributedApplication> BuildAsync()
    {
        testBuilds.TrySetResult();
        return built.Task;
    }

    public void WaitUntilTestBuilds(IDistributedApplicationBuilder builder)
    {
        described.TrySetResult(builder);
        testBuilds.Task.GetAwaiter().GetResult();
    }

    public void Built(DistributedApplication application) => built.TrySetResult(application);

    /// <summary>Lets <c>Main</c> go on to its end, and waits for that: it may hold on to files and ports until then.</summary>
    public Task EndAsync()
    {
        ended.TrySetResult();
        return mainEnded.Task;
    }

    private void RunMain(string[] args)
    {
        Exception failure = new InvalidOperationException("The AppHost ended before it built the application.");
        try
        {
            var main = AppHost.EntryPoint!;
            main.Invoke(null, main.GetParameters().Length == 0 ? null : [args]);
        }
        catch (TargetInvocationException thrown)
        {
            failure = thrown.InnerException!;
        }

        described.TrySetException(failure);
        built.TrySetException(failure);
        // Whoever does not wait for it must not be told of it as unobserved.
        _ = described.Task.Exception;
        _ = built.Task.Exception;
    }
}
