using Backup.FaultTests.Disks;
using Backup.Protocol;

namespace Backup.FaultTests.Sweep;

/// <summary>
/// Runs a short workload over and over, and crashes at each call to the file system in turn: with what was not synced kept, lost,
/// partly kept and torn, and the index kept, older, deleted and damaged. Then recovers, and checks.
/// </summary>
internal static class CrashSweep
{
    /// <summary>Set, every crash is tried with every fate of the index; else these take turns.</summary>
    private static readonly bool IsFull = Environment.GetEnvironmentVariable("BACKUP_SWEEP") == "full";

    /// <returns>Crashes tried, and the first violation.</returns>
    public static async Task<(int Crashes, string? Violation)> RunAsync(SweepWorkload workload, Func<string, Random, FaultyDisk>? plant = null)
    {
        var calls = await CountAsync(workload, plant);
        var crashes = 0;
        for (var call = 1; call <= calls; call++)
        {
            foreach (var mode in Enum.GetValues<CrashMode>())
            {
                foreach (var fate in Enum.GetValues<IndexFate>())
                {
                    // A process that dies alone leaves the index as it stands.
                    if ((mode == CrashMode.Kept) != (fate == IndexFate.Kept) && mode == CrashMode.Kept)
                        continue;
                    if (!IsFull && mode != CrashMode.Kept && (int)fate != (call + (int)mode) % 4)
                        continue;
                    crashes++;
                    if (await CrashAsync(workload, call, mode, fate, plant) is { } violation)
                        return (crashes, $"{workload.Name}, crash at call {call} of {calls}, {mode}, index {fate}: {violation}");
                }
            }
        }
        return (crashes, null);
    }

    private static async Task<int> CountAsync(SweepWorkload workload, Func<string, Random, FaultyDisk>? plant)
    {
        using var store = new SweptStore(new Random(0), plant);
        await workload.Prepare(store);
        var before = store.Disk.Calls;
        await workload.Act(store);
        // Closing seals and settles; that may be cut short too.
        await store.CloseAsync();
        return store.Disk.Calls - before;
    }

    private static async Task<string?> CrashAsync(SweepWorkload workload, int call, CrashMode mode, IndexFate fate, Func<string, Random, FaultyDisk>? plant)
    {
        using var store = new SweptStore(new Random(call * 16 + (int)mode * 4 + (int)fate), plant);
        await workload.Prepare(store);
        store.Disk.CrashAfter(call, mode, fate);
        try
        {
            await workload.Act(store);
            await store.CloseAsync();
        }
        catch (FailureException)
        {
            // The crash, as the process saw it.
        }
        if (!store.Disk.HasCrashed)
            store.Disk.CrashNow(mode, fate);
        try
        {
            await store.RecoverAsync();
            var mayReportLoss = fate != IndexFate.Kept || workload.MayReportLoss;
            if (await store.CheckAsync(mayReportLoss) is { } first)
                return first;
            // It works on, and a loss of power after a mere kill finds what recovery found.
            await store.StoreAsync(1000, 1, 2, 900);
            store.Disk.CrashNow(CrashMode.Lost, IndexFate.Kept);
            await store.RecoverAsync();
            return await store.CheckAsync(mayReportLoss) is { } second ? $"after recovery and a loss of power: {second}" : null;
        }
        catch (FailureException e)
        {
            return $"recovery failed: {e.Failure}";
        }
    }
}

/// <param name="Prepare">What is there before; no crash meets it.</param>
/// <param name="Act">What is crashed.</param>
/// <param name="MayReportLoss">A torn tail cannot be told from damage, because the index was lost before; or the disk has failed already.</param>
internal sealed record SweepWorkload(string Name, Func<SweptStore, Task> Prepare, Func<SweptStore, Task> Act, bool MayReportLoss = false)
{
    public override string ToString() => Name;
}
