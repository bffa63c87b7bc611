using System.Diagnostics.Metrics;

namespace Backup.Protocol;

/// <summary>
/// Every instrument of the cluster: names and units as OpenTelemetry has them; docs/operating.md lists them. What is counted
/// per record would cost more than it tells, so all are counted per segment, request or call. Recording allocates nothing.
/// </summary>
public static class Measures
{
    /// <summary>From a tenth of a millisecond, an fsync on good flash, to ten seconds, where deadlines begin.</summary>
    private static readonly InstrumentAdvice<double> Seconds = new()
    {
        HistogramBucketBoundaries = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    };

    /// <summary>How long the steps of an operation took: <see cref="Step"/> records it.</summary>
    private static readonly Histogram<double> StepDuration = Telemetry.Meter.CreateHistogram("backup.step.duration", "s",
        "Duration of the steps of an operation.", advice: Seconds);

    /// <summary>How long the disk took to make a pack durable, once for each pack of a group of segments.</summary>
    public static readonly Histogram<double> FsyncDuration = Telemetry.Meter.CreateHistogram("backup.fsync.duration", "s",
        "Duration of the fsync of a pack.", advice: Seconds);

    /// <summary>OpenTelemetry's own name for what a database call takes.</summary>
    private static readonly Histogram<double> RedisDuration = Telemetry.Meter.CreateHistogram("db.client.operation.duration", "s",
        "Duration of calls of Redis, the wait for a turn included.", advice: Seconds);

    private static readonly Counter<long> NodeBytes = Telemetry.Meter.CreateCounter<long>("backup.node.io", "By",
        "Bytes of records that the node has received and sent.");

    private static readonly Counter<long> VersionsCommitted = Telemetry.Meter.CreateCounter<long>("backup.versions.committed", "{version}",
        "Versions that were made visible.");

    /// <summary>Plain bytes of the files whose versions were made visible.</summary>
    public static readonly Counter<long> BytesCommitted = Telemetry.Meter.CreateCounter<long>("backup.versions.size", "By",
        "Sizes of the files whose versions were made visible.");

    public static readonly Counter<long> VersionsRead = Telemetry.Meter.CreateCounter<long>("backup.versions.read", "{version}",
        "Versions that a node has sent to somebody who restores them.");

    public static readonly Counter<long> ChunksAsked = Telemetry.Meter.CreateCounter<long>("backup.chunks.asked", "{chunk}",
        "Chunks that clients wanted to store.");

    public static readonly Counter<long> ChunksDeduplicated = Telemetry.Meter.CreateCounter<long>("backup.chunks.deduplicated", "{chunk}",
        "Chunks that were there already and did not travel.");

    private static readonly UpDownCounter<long> RelayedRecords = Telemetry.Meter.CreateUpDownCounter<long>("backup.relay.queue", "{record}",
        "Records that wait for a replica to take them.");

    private static readonly KeyValuePair<string, object?> Receive = new(Tags.Direction, "receive");
    private static readonly KeyValuePair<string, object?> Transmit = new(Tags.Direction, "transmit");
    private static readonly KeyValuePair<string, object?> Redis = new("db.system.name", "redis");

    /// <summary>Boxed once: a tag's value is an object.</summary>
    private static readonly object[] Kinds = [.. Enum.GetNames<VersionKind>()];

    public static void Received(long bytes) => NodeBytes.Add(bytes, Receive);

    public static void Sent(long bytes) => NodeBytes.Add(bytes, Transmit);

    public static void Committed(VersionKind kind, long bytes)
    {
        VersionsCommitted.Add(1, new KeyValuePair<string, object?>(Tags.Kind, NameOf(kind)));
        BytesCommitted.Add(bytes);
    }

    /// <summary>A record waits for a replica, or does not any more.</summary>
    public static void RelayWaits(int by) => RelayedRecords.Add(by);

    /// <summary>What a node is asked when measurements are collected. The meter is the node's own, and ends with it.</summary>
    /// <param name="waiting">Segments that wait for the next fsync.</param>
    /// <param name="scrubbed">How long ago the pack that waits longest for its next verification was verified.</param>
    public static void ObserveNode(Meter meter, NodeId node, Func<NodeSpace> space, Func<long> waiting, Func<TimeSpan> scrubbed)
    {
        var tag = new KeyValuePair<string, object?>(Tags.Node, node.Value);
        meter.CreateObservableGauge("backup.disk.free", () => new Measurement<long>(space().FreeBytes, tag), "By", "Free for new data, the reserve taken off.");
        meter.CreateObservableGauge("backup.disk.stored", () => new Measurement<long>(space().StoredBytes, tag), "By", "Bytes of all packs.");
        meter.CreateObservableGauge("backup.scrub.age", () => new Measurement<double>(scrubbed().TotalSeconds, tag), "s", "Since the pack that waits longest for its next verification was verified.");
        meter.CreateObservableGauge("backup.fsync.queue", () => new Measurement<long>(waiting(), tag), "{segment}", "Segments that wait for the next fsync.");
    }

    /// <summary>What a manager is asked when measurements are collected.</summary>
    /// <param name="loads">Files of which each node holds a copy, reservations included.</param>
    /// <param name="owed">Versions with fewer copies than the policy asks for.</param>
    /// <param name="left">Versions that repair knows of and has not copied yet.</param>
    /// <param name="lost">Versions without any good copy on a node that is alive.</param>
    /// <param name="reserved">Places given out and not committed.</param>
    /// <param name="waiting">Calls that wait for their turn at Redis.</param>
    public static void ObserveManager(
        Meter meter, Func<IEnumerable<(string Node, long Files)>> loads, Func<long> owed, Func<long> left, Func<long> lost, Func<long> reserved, Func<long> waiting)
    {
        meter.CreateObservableGauge("backup.node.files", () => loads().Select(load => new Measurement<long>(load.Files, new KeyValuePair<string, object?>(Tags.Node, load.Node))),
            "{file}", "Files of which the node holds a copy, reservations included.");
        meter.CreateObservableGauge("backup.versions.owed", owed, "{version}", "Versions with fewer copies than the policy asks for.");
        meter.CreateObservableGauge("backup.repair.backlog", left, "{version}", "Versions that repair knows of and has not copied yet.");
        meter.CreateObservableGauge("backup.versions.lost", lost, "{version}", "Versions without any good copy on a node that is alive.");
        meter.CreateObservableGauge("backup.places.reserved", reserved, "{place}", "Places given out and not committed.");
        meter.CreateObservableGauge("backup.redis.queue", waiting, "{call}", "Calls that wait for their turn at Redis.");
    }

    /// <param name="error">The failure's code, or null.</param>
    public static void RedisAnswered(string operation, TimeSpan took, string? error)
    {
        var name = new KeyValuePair<string, object?>("db.operation.name", operation);
        if (error is null)
            RedisDuration.Record(took.TotalSeconds, Redis, name);
        else
            RedisDuration.Record(took.TotalSeconds, Redis, name, new KeyValuePair<string, object?>(Tags.Error, error));
    }

    internal static void RecordStep(string name, TimeSpan took, bool hasSucceeded)
    {
        var step = new KeyValuePair<string, object?>(Tags.Step, name);
        if (hasSucceeded)
            StepDuration.Record(took.TotalSeconds, step);
        else
            StepDuration.Record(took.TotalSeconds, step, new KeyValuePair<string, object?>(Tags.Error, "failed"));
    }

    private static object NameOf(VersionKind kind) => Kinds[(byte)kind - 1];
}
