using System.Diagnostics.Metrics;
using Backup.Protocol;

namespace Backup.Tests.Protocol;

/// <summary>The instruments: that the documentation has all of them, and that they cost the hot path nothing.</summary>
public sealed class MeasuresTests
{
    [Fact]
    public void Every_instrument_is_documented_with_its_unit()
    {
        var found = new Dictionary<string, string?>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter.Name == Telemetry.Name)
                    found[instrument.Name] = instrument.Unit;
            },
        };
        listener.Start();
        Measures.Received(0);
        using var meter = new Meter(Telemetry.Name);
        Measures.ObserveNode(meter, NodeId.Parse("n"), () => new NodeSpace(0, 0, 0), () => 0, () => default);
        Measures.ObserveManager(meter, () => [], () => 0, () => 0, () => 0, () => 0, () => 0);

        var documented = File.ReadAllLines(Path.Combine(TidyTests.Root, "docs/operating.md")).Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .Select(line => line.Split('|')).Where(cells => cells.Length == 7).ToDictionary(cells => cells[1].Trim(' ', '`'), cells => (string?)cells[3].Trim(' ', '`'));
        Assert.Equal(documented.OrderBy(pair => pair.Key, StringComparer.Ordinal), found.OrderBy(pair => pair.Key, StringComparer.Ordinal));
    }

    [Fact]
    public void Recording_allocates_nothing()
    {
        double sum = 0;
        using var listener = new MeterListener { InstrumentPublished = (instrument, self) => { if (instrument.Meter.Name == Telemetry.Name) self.EnableMeasurementEvents(instrument); } };
        listener.SetMeasurementEventCallback<long>((_, value, _, _) => sum += value);
        listener.SetMeasurementEventCallback<double>((_, value, _, _) => sum += value);
        listener.Start();
        Record();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1_000; i++)
            Record();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.True(sum > 0);
    }

    private static void Record()
    {
        Measures.Received(1);
        Measures.Sent(1);
        Measures.Committed(VersionKind.Tombstone, 1);
        Measures.RedisAnswered("place", TimeSpan.FromMilliseconds(1), null);
        Measures.FsyncDuration.Record(0.001);
        Measures.ChunksDeduplicated.Add(1);
        Measures.RelayWaits(0);
    }
}
