using System.Collections.Concurrent;
using System.Diagnostics;
using Backup.Protocol;

namespace Backup.Tests;

/// <summary>The spans that end under an operation of the test's own, from here until it is disposed. Other tests run beside it, and theirs are left out.</summary>
internal sealed class HeardSpans : IDisposable
{
    private readonly Activity operation = new Activity("test").Start();
    private readonly ConcurrentQueue<Activity> ended = [];
    private readonly ActivityListener listener;

    public HeardSpans()
    {
        listener = new ActivityListener
        {
            // By name: the source may be asked about while it is made, before it is anybody's field.
            ShouldListenTo = source => source.Name == Telemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = span =>
            {
                if (span.TraceId == operation.TraceId)
                    ended.Enqueue(span);
            },
        };
        ActivitySource.AddActivityListener(listener);
    }

    /// <summary>In the order in which they ended.</summary>
    public IReadOnlyCollection<Activity> Ended => ended;

    public IEnumerable<Activity> Named(string name) => ended.Where(span => span.OperationName == name);

    public void Dispose()
    {
        listener.Dispose();
        operation.Dispose();
    }
}
