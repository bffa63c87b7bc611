using Backup.Client;
using Backup.Protocol;

namespace Backup.Tests.Client;

/// <summary>What a drill draws, and what is remembered of it.</summary>
public sealed class DrillTests
{
    [Fact]
    public void Every_file_has_the_same_chance()
    {
        var hits = new int[10];
        var random = new Random(7);
        for (var i = 0; i < 10_000; i++)
        {
            var sample = new Sample(3, long.MaxValue, random);
            for (var n = 0; n < hits.Length; n++)
                sample.Offer(File(n, 1));
            foreach (var file in sample.Drawn())
                hits[file.Version]++;
        }
        // 3,000 each on average; five standard deviations are 230.
        Assert.All(hits, count => Assert.InRange(count, 2_770, 3_230));
    }

    [Fact]
    public void The_bound_holds_but_for_the_first_and_folders_are_not_drawn()
    {
        var sample = new Sample(10, 100, new Random(1));
        for (var n = 0; n < 20; n++)
            sample.Offer(File(n, 30));
        sample.Offer(File(99, 0) with { Kind = VersionKind.Folder });
        var drawn = sample.Drawn();
        Assert.Equal(3, drawn.Count);
        Assert.Equal(drawn.OrderBy(file => file.Path.Value, PathOrder.Instance), drawn);

        var large = new Sample(10, 100, new Random(1));
        large.Offer(File(1, 1000));
        Assert.Single(large.Drawn());
    }

    [Fact]
    public void The_history_keeps_what_it_can_read_of_each_client()
    {
        using var machine = new TestSurroundings();
        var history = new DrillHistory(machine.ToSurroundings());
        var client = ClientId.New();
        Assert.Empty(history.Of(client));
        history.Add(Record(client) with { Good = 1 });
        System.IO.File.AppendAllText(history.FilePath, "{\"time\":\"torn\n");
        history.Add(Record(ClientId.New()));
        history.Add(Record(client) with { Good = 2 });
        Assert.Equal([1, 2], history.Of(client).Select(record => (int)record.Good));
        Assert.Equal(3, DrillText.History(history.Of(client), TimeProvider.System).Count());
    }

    private static DrillRecord Record(ClientId client) => new("2026-11-24T04:30:05Z", "/root", client.ToString(), 2, 0, 0, 0, 10, 5);

    private static FileVersion File(int number, long sizeBytes) => new(RootedPath.Parse($"f{number}"), number, VersionKind.File, 0, sizeBytes, default, 0, 0, 1, [], 0);
}
