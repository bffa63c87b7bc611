using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Backup.Protocol;

/// <summary>The one source of spans and the one meter, used by every process. Steps are named as in DESIGN: "① read" to "⑥ commit".</summary>
public static class Telemetry
{
    public const string Name = "Backup";

    public static readonly ActivitySource Source = new(Name);

    public static readonly Meter Meter = new(Name);
}

/// <summary>
/// One step on the way of a byte: a span, and the time it took in <see cref="Measures.StepDuration"/> under the same name.
/// A step that is left without <see cref="Succeed"/> has failed.
/// </summary>
public sealed class Step : IDisposable
{
    private readonly string name;
    private readonly long started = Stopwatch.GetTimestamp();
    private bool hasSucceeded;

    private Step(string name) => (this.name, Span) = (name, Telemetry.Source.StartActivity(name));

    /// <summary>Null when nobody looks.</summary>
    public Activity? Span { get; }

    public static Step Begin(string name) => new(name);

    public Step Tag(string key, string value)
    {
        Span?.SetTag(key, value);
        return this;
    }

    public Step Tag(string key, long value)
    {
        Span?.SetTag(key, value);
        return this;
    }

    public void Succeed() => hasSucceeded = true;

    public void Dispose()
    {
        // Before the span ends, so that the measurement can name it as its exemplar.
        Measures.RecordStep(name, Stopwatch.GetElapsedTime(started), hasSucceeded);
        if (!hasSucceeded && Span is { Status: ActivityStatusCode.Unset } span)
            span.SetStatus(ActivityStatusCode.Error);
        Span?.Dispose();
    }
}

/// <summary>The names of what spans and measurements say beside their own name.</summary>
public static class Tags
{
    /// <summary>The node that does the step, or that is asked.</summary>
    public const string Node = "backup.node";

    /// <summary>The nodes of a placement, primary first, with commas between.</summary>
    public const string Nodes = "backup.nodes";

    public const string Files = "backup.files";

    public const string Records = "backup.records";

    /// <summary>Records that were new to the node.</summary>
    public const string NewRecords = "backup.records.new";

    /// <summary>Bytes of records, as they travel.</summary>
    public const string Bytes = "backup.bytes";

    /// <summary>Chunks that were there already and did not travel.</summary>
    public const string DeduplicatedChunks = "backup.chunks.deduplicated";

    public const string CopiesOwed = "backup.copies.owed";

    /// <summary>The name of a step, as its span has it.</summary>
    public const string Step = "backup.step";

    public const string Kind = "backup.version.kind";

    public const string Queue = "backup.queue";

    /// <summary>receive or transmit.</summary>
    public const string Direction = "network.io.direction";

    /// <summary>Why it failed; absent when it did not.</summary>
    public const string Error = "error.type";
}
