using System.Globalization;
using Xunit.Abstractions;

namespace Backup.FaultTests.Simulation;

public class SimulationTests(ITestOutputHelper output)
{
    /// <summary>Enough for half a minute on two cores; `.ci/run` asks for 2,000.</summary>
    private const int SeedsDefault = 150;

    /// <summary>Seeds that failed once, each with what it found: see the file.</summary>
    private static readonly string KeptPath = Path.Combine(AppContext.BaseDirectory, "kept-seeds.txt");

    /// <summary>`BACKUP_SEED=n` runs that seed alone and prints its history.</summary>
    [Fact]
    public async Task No_seed_breaks_an_invariant()
    {
        if (Number("BACKUP_SEED") is { } only)
        {
            await using var lane = await Lane.StartAsync();
            var result = await Simulation.RunAsync(only, lane);
            output.WriteLine(result.ToString());
            Assert.True(result.Violations.Length == 0, result.ToString());
            return;
        }
        var (first, seeds) = (Number("BACKUP_FIRST_SEED") ?? 1, Number("BACKUP_SEEDS") ?? SeedsDefault);
        await HoldAsync(Number("BACKUP_SAME") is { } same ? Enumerable.Repeat(first, same)
            : first >= World.FirstRetaining ? Enumerable.Range(first, seeds)
            // A quarter of them with retention, which takes twice as long. `BACKUP_SAME=k` runs the first seed k times: what depends on timing shows on a busy machine.
            : Enumerable.Range(first, seeds - (seeds / 4)).Concat(Enumerable.Range(World.FirstRetaining + first, seeds / 4)));
    }

    [Fact]
    public Task No_seed_that_failed_once_fails_again() =>
        HoldAsync(File.ReadLines(KeptPath).Where(line => line.Length > 0 && line[0] != '#').Select(line => int.Parse(line.Split(' ')[0], CultureInfo.InvariantCulture)));

    private async Task HoldAsync(IEnumerable<int> seeds)
    {
        var (failed, done, operations, faults, time, cpu) = await Simulation.RunManyAsync(seeds);
        var summary = $"{done} seeds, {operations} operations, {faults} faults, {failed.Count} seeds with violations, {time.TotalSeconds:F1} s, {time.TotalMilliseconds / Math.Max(1, done):F0} ms a seed, {cpu.TotalMilliseconds / Math.Max(1, done):F0} ms of CPU";
        output.WriteLine(summary);
        Assert.True(failed.Count == 0, $"{summary}\nReplay with BACKUP_SEED={failed.FirstOrDefault()?.Seed} dotnet test tests/Backup.FaultTests --filter No_seed_breaks\n{string.Join("\n", failed)}");
    }

    private static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var number) ? number : null;
}
