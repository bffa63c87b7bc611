using System.Diagnostics;
using System.Reflection;
using Backup.FaultTests.Disks;
using Backup.FaultTests.Planted;
using Backup.Manager.Redis;

namespace Backup.FaultTests.Simulation;

/// <summary>What a seed led to.</summary>
/// <param name="Violations">Empty when all held.</param>
internal sealed record SeedResult(int Seed, int Operations, int Faults, string[] Violations, IReadOnlyList<string> History)
{
    public override string ToString() => $"seed {Seed}:\n  {string.Join("\n  ", Violations.Take(5))}\nhistory:\n  {string.Join("\n  ", History)}";
}

/// <summary>Runs a seed: builds a cluster, lets the schedule do what the seed says, heals, checks.</summary>
internal static class Simulation
{
    /// <summary>Nothing in a seed waits; one that takes so long hangs, which is a violation too.</summary>
    private static readonly TimeSpan SeedTimeMax = TimeSpan.FromSeconds(90);

    public static async Task<SeedResult> RunAsync(int seed, Lane lane, PlantedBug? bug = null)
    {
        var random = new Random(SimNetwork.HashCode(seed, "world"));
        var world = await World.StartAsync(seed, lane, random.Next(3, 5), bug);
        var schedule = new Schedule(world);
        var run = RunAsync(world, schedule, random);
        try
        {
            await run.WaitAsync(SeedTimeMax);
            await world.DisposeAsync();
        }
        catch (TimeoutException)
        {
            world.Violations.Enqueue($"I11: it hangs: more than {SeedTimeMax.TotalSeconds} s");
        }
        return new SeedResult(seed, schedule.Operations, schedule.Faults + world.Network.FaultsSeen, [.. world.Violations], world.History);
    }

    private static async Task RunAsync(World world, Schedule schedule, Random random)
    {
        try
        {
            await schedule.RunAsync();
            // The lights go out: what was acknowledged must have been on the disks.
            if (random.Next(2) == 0)
            {
                world.Note("all nodes lose power");
                foreach (var node in world.Nodes)
                    node.Disk.CrashNow(CrashMode.Lost, (IndexFate)random.Next(3));
            }
            await world.HealAsync();
            await new Checks(world).RunAsync();
        }
        catch (Exception e)
        {
            world.Violations.Enqueue($"{e.GetType().Name} where none was expected: {e.Message}\n{e.StackTrace}");
        }
    }

    /// <summary>Two lanes for each core, since a seed waits part of its time. In a lane seeds run one after the other, on a Redis of its own.</summary>
    /// <returns>All that failed, and what was done altogether.</returns>
    public static async Task<(List<SeedResult> Failed, int Seeds, long Operations, long Faults, TimeSpan Time, TimeSpan Cpu)> RunManyAsync(IEnumerable<int> seeds, int failedMax = 3)
    {
        var (started, cpu) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
        var failed = new List<SeedResult>();
        var (done, operations, faults) = (0, 0L, 0L);
        var queue = new Queue<int>(seeds);
        await Task.WhenAll(Enumerable.Range(0, 2 * Environment.ProcessorCount).Select(_ => Task.Run(async () =>
        {
            await using var lane = await Lane.StartAsync();
            while (true)
            {
                int seed;
                lock (queue)
                {
                    if (failed.Count >= failedMax || !queue.TryDequeue(out seed))
                        return;
                }
                var result = await RunAsync(seed, lane);
                lock (queue)
                {
                    (done, operations, faults) = (done + 1, operations + result.Operations, faults + result.Faults);
                    if (result.Violations.Length > 0)
                        failed.Add(result);
                }
            }
        })));
        return (failed, done, operations, faults, Stopwatch.GetElapsedTime(started), Environment.CpuUsage.TotalTime - cpu);
    }

    /// <summary>Puts other texts into the scripts, and back. Nothing else may run meanwhile.</summary>
    public static IDisposable Alter(PlantedBug bug)
    {
        var field = typeof(Script).GetField("<Text>k__BackingField", BindingFlags.NonPublic | BindingFlags.Instance)!;
        var before = new List<(Script Script, string Text)>();
        foreach (var (name, text, instead) in bug.Scripts)
        {
            var script = typeof(Script).GetFields(BindingFlags.Public | BindingFlags.Static).Select(each => each.GetValue(null)).OfType<Script>().Single(each => each.Name == name);
            if (!script.Text.Contains(text, StringComparison.Ordinal))
                throw new InvalidOperationException($"'{name}' holds no '{text}' any more: plant the bug elsewhere.");
            before.Add((script, script.Text));
            field.SetValue(script, script.Text.Replace(text, instead, StringComparison.Ordinal));
        }
        return new Restoring(() => before.ForEach(each => field.SetValue(each.Script, each.Text)));
    }

    private sealed class Restoring(Action restore) : IDisposable
    {
        public void Dispose() => restore();
    }
}
