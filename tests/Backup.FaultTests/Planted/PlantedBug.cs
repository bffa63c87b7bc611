using Backup.FaultTests.Disks;
using Backup.FaultTests.Simulation;

namespace Backup.FaultTests.Planted;

/// <summary>
/// A bug put into the cluster to prove that the harness notices: a worse disk, a worse node around the real one, an altered
/// script, or something done between steps. Nothing of it is in what is shipped.
/// </summary>
internal sealed record PlantedBug(string Name)
{
    public Func<string, Random, FaultyDisk>? Disk { get; init; }

    public Func<int, string, int, World, SimNode>? Node { get; init; }

    /// <summary>Texts in a script, by its name, and what stands there instead.</summary>
    public (string Script, string Text, string Instead)[] Scripts { get; init; } = [];

    /// <summary>Done after each step of the schedule.</summary>
    public Func<World, Task>? AfterStep { get; init; }

    /// <summary>The seed to begin with, where not every seed draws what it is about.</summary>
    public int? FirstSeed { get; init; }

    public override string ToString() => Name;
}
