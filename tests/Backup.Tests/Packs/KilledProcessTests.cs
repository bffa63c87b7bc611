using Backup.Protocol;
using static Backup.Tests.Packs.StoreFolder;

namespace Backup.Tests.Packs;

/// <summary>A process that is killed while four writers append: whatever it acknowledged is there.</summary>
public sealed class KilledProcessTests : IDisposable
{
    private const int Rounds = 6;
    private const int ChunkBytes = 200_000;
    private readonly StoreFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task What_was_acknowledged_before_a_kill_is_there_after_it()
    {
        var acknowledged = new List<int>();
        var random = new Random(20261124);
        for (var round = 0; round < Rounds; round++)
        {
            using (var child = ChildProcess.PackWriter(["append", folder.Path, "4", $"{ChunkBytes}", "3000000", $"{round * 100_000}"]))
            {
                var least = random.Next(1, 60);
                child.WaitForLine(_ => child.Lines.Count(line => line.StartsWith("ok", StringComparison.Ordinal)) >= least);
                Thread.Sleep(random.Next(0, 20));
                child.Kill();
                acknowledged.AddRange(child.Lines.Where(line => line.StartsWith("ok ", StringComparison.Ordinal)).Select(line => int.Parse(line[3..])));
            }
            if (round == Rounds / 2)
                folder.DeleteIndex();
            await using var store = await folder.OpenAsync();
            foreach (var seed in acknowledged)
                await AssertHeldAsync(store, seed, ChunkBytes);
            if (round < Rounds / 2)
                Assert.DoesNotContain(store.Damage, damage => damage.IsLoss);
        }
        Assert.True(acknowledged.Count > Rounds);
    }

    [Fact]
    public async Task A_second_process_is_refused_until_the_first_has_ended()
    {
        using var first = ChildProcess.PackWriter(["hold", folder.Path]);
        first.WaitForLine(line => line == "open");
        var refused = await FailsAsync(() => folder.OpenAsync());
        Assert.Equal(FailureCode.LocalFailed, refused.Code);
        Assert.Contains("in use", refused.Message);
        first.EndInput();
        first.WaitForEnd();
        await using var store = await folder.OpenAsync();
    }
}
