using Backup.ClusterTests;
using Backup.FaultTests.Disks;
using Backup.FaultTests.Simulation;
using Backup.FaultTests.Sweep;
using Backup.Protocol;
using Backup.Storage.Packs;
using Xunit.Abstractions;

namespace Backup.FaultTests.Planted;

/// <summary>Proves the harness: each bug, planted alone, is caught within a bounded number of seeds.</summary>
public class PlantedBugTests(ITestOutputHelper output)
{
    /// <summary>Most are caught within ten; the rarest need a fault, a crash and a read in a row.</summary>
    private const int SeedsMax = 400;

    /// <summary>Seeds of their own, away from those that every run tries.</summary>
    private const int FirstSeed = 1_000_000;

    /// <summary>The same, of those that draw retention.</summary>
    private const int FirstRetaining = 500_000;

    private static readonly PlantedBug[] All =
    [
        new("acknowledge before fsync") { Disk = (path, random) => new NeverSyncs(path, random) },
        new("skip the directory's fsync") { Disk = (path, random) => new NeverSyncsDirectories(path, random) },
        new("swallow EIO on fsync") { Disk = (path, random) => new SwallowsSyncErrors(path, random) },
        new("serve without comparing the checksum") { Disk = (path, random) => new NeverCompares(path, random) },
        new("ignore the epoch") { Node = (number, root, seed, world) => new IgnoresEpochs(number, root, seed, world) },
        new("acknowledge with one copy") { Node = (number, root, seed, world) => new ContentWithOneCopy(number, root, seed, world) },
        new("answer as a replica before anything is durable") { Node = (number, root, seed, world) => new AnswersEarly(number, root, seed, world) },
        new("drop the check of the client") { Node = (number, root, seed, world) => new AnswersAnyone(number, root, seed, world) },
        new("collect a chunk that a version names") { AfterStep = CollectOneAsync },
        new("commit without a reservation") { Scripts = [("commit-files", "return { 'gone', i }", "e_version, time, epoch, reserved, counted = version, '1', '999999999', names, ''")] },
        new("release a load twice when a reservation lapses") { Scripts = [("expire-reservation", "(changes[id] or 0) - 1", "(changes[id] or 0) - 2")] },
        new("count a commit on top of its reservation") { Scripts = [("commit-files", "(changes[id] or 0) - 1", "(changes[id] or 0)")] },
        new("carry out a repeated commit again") { Scripts = [("commit-files", "local line = line_of(values[i], version)", "local line = nil")] },
        new("give a version number twice") { Scripts = [("place-files", "version, fresh = version + 1, fresh + 1", "version, fresh = math.max(1, version), fresh + 1")] },
        new("lose the older versions of a file") { Scripts = [("commit-files", "redis.call('APPEND', KEYS[10 + i]", "redis.call('SET', KEYS[10 + i]")] },
        new("commit on a node that lost its directory") { Scripts = [("commit-files", "if incarnation_epoch(id) > tonumber(epoch) then", "if false then")] },
        new("bring back without counting") { Scripts = [("restore-drop", "(changes[id] or 0) + 1", "(changes[id] or 0)")], FirstSeed = FirstRetaining },
        new("forget where a dropped version went") { Scripts = [("move-dropped", "redis.call('HSET', KEYS[3]", "tostring(path, path")], FirstSeed = FirstRetaining },
    ];

    public static TheoryData<string> Names => [.. All.Select(bug => bug.Name)];

    [LongTheory, Trait("Runs", "long"), MemberData(nameof(Names))]
    public async Task The_simulation_catches(string name)
    {
        var bug = All.Single(each => each.Name == name);
        var altered = Simulation.Simulation.Alter(bug);
        await using var lane = await Lane.StartAsync();
        using var _ = altered;
        var first = bug.FirstSeed ?? FirstSeed;
        for (var seed = first; seed < first + SeedsMax; seed++)
        {
            var result = await Simulation.Simulation.RunAsync(seed, lane, bug);
            if (result.Violations is not [var violation, ..])
                continue;
            output.WriteLine($"{name}: seed {seed - first + 1}: {violation}");
            altered.Dispose();
            var without = await Simulation.Simulation.RunAsync(seed, lane);
            Assert.True(without.Violations.Length == 0, $"Without the bug it is violated too: {without}");
            return;
        }
        Assert.Fail($"'{name}' was not caught in {SeedsMax} seeds.");
    }

    [LongTheory, Trait("Runs", "long")]
    [InlineData("acknowledge before fsync", "segments of chunks, then a manifest")]
    [InlineData("skip the directory's fsync", "second pack")]
    [InlineData("swallow EIO on fsync", "a failed sync, and on")]
    [InlineData("try a failed fsync again", "a failed sync, and on")]
    [InlineData("forget without the record", "forget and store again")]
    public async Task The_sweep_catches(string name, string workload)
    {
        Func<string, Random, FaultyDisk>? disk = name switch
        {
            "try a failed fsync again" => (path, random) => new RetriesSyncs(path, random),
            _ => All.SingleOrDefault(bug => bug.Name == name)?.Disk,
        };
        var swept = workload == "a failed sync, and on"
            ? new SweepWorkload(workload, store => store.OpenAsync(), FailAndGoOnAsync, MayReportLoss: true)
            : CrashSweepTests.Named(workload);
        if (name == "forget without the record")
            swept = swept with { Prepare = store => { store.Forget = ForgetInTheIndexOnly; return CrashSweepTests.Named(workload).Prepare(store); } };
        var (crashes, violation) = await CrashSweep.RunAsync(swept, disk);
        output.WriteLine($"{name}: {violation} ({crashes} crashes)");
        Assert.NotNull(violation);
    }

    private static async Task FailAndGoOnAsync(SweptStore store)
    {
        await store.StoreAsync(1, 1, 2);
        store.Disk.FailingSyncs = 1;
        try
        {
            await store.StoreAsync(2, 3, 4);
        }
        catch (FailureException)
        {
        }
        await store.StoreAsync(3, 5, 6);
    }

    private static Task ForgetInTheIndexOnly(PackStore store, long[] versions)
    {
        store.Index.Write(index =>
        {
            foreach (var version in versions)
            {
                if (store.Index.FindManifest(SweptStore.Alice, version) is { } id)
                    index.Forget(new RecordLocation(new RecordKey(SweptStore.Alice, RecordKind.Forget, id), 1, 0, 0), [version]);
            }
        });
        return Task.CompletedTask;
    }

    /// <summary>Takes a chunk away that a listed version needs, as a collector that is wrong about what is named.</summary>
    private static Task CollectOneAsync(World world)
    {
        foreach (var node in world.Nodes.Where(node => node.IsAlive && world.IsWhole(node)))
        {
            foreach (var client in world.Clients)
            {
                foreach (var at in node.Store.Index.RecordsAfter(new RecordKey(client, RecordKind.Chunk, default), 1))
                    node.Store.Index.Write(index => index.Delete(at));
            }
        }
        return Task.CompletedTask;
    }
}
