using Backup.Protocol;
using Xunit.Abstractions;
using static Backup.Tests.Packs.CollectionFolder;
using static Backup.Tests.Packs.StoreFolder;

namespace Backup.Tests.Packs;

/// <summary>A process that stores, forgets and collects without a pause, and is killed again and again.</summary>
public sealed class CollectionKillTests(ITestOutputHelper output) : IDisposable
{
    private const int Rounds = 8;
    private const int ChunkBytes = 60_000;
    private readonly StoreFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task What_was_stored_is_there_and_what_was_forgotten_is_not_after_every_kill()
    {
        var seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var kept = new SortedSet<long>();
        var gone = new SortedSet<long>();
        for (var round = 0; round < Rounds; round++)
        {
            using (var child = ChildProcess.PackWriter(["collect", folder.Path, $"{ChunkBytes}", "1000000", $"{1 + round * 100_000}"]))
            {
                var least = random.Next(2, 15);
                child.WaitForLine(_ => child.Lines.Count(line => line == "collected") >= least);
                Thread.Sleep(random.Next(0, 60));
                child.Kill();
                foreach (var line in child.Lines.Select(line => line.Split(' ')).Where(words => words.Length == 2))
                {
                    var version = long.Parse(line[1]);
                    // Asked to forget and killed before the answer: either is right.
                    if (line[0] == "ok")
                        kept.Add(version);
                    else if (line[0] == "forget")
                        kept.Remove(version);
                    else if (line[0] == "forgotten")
                        gone.Add(version);
                }
            }
            if (round % 3 == 2)
                folder.DeleteIndex();
            await using var store = await folder.OpenAsync(packBytesMax: 1_000_000);
            Assert.DoesNotContain(store.Damage, damage => damage.IsLoss);
            foreach (var version in kept)
                await AssertFileAsync(store, version, [(int)version, (int)(version + 1)], ChunkBytes);
            foreach (var version in gone)
                Assert.Null(await store.ReadManifestAsync(Alice, version, default));
        }
        output.WriteLine($"{kept.Count} kept, {gone.Count} forgotten");
        Assert.True(gone.Count > Rounds);
    }
}
