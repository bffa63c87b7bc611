using System.Globalization;

namespace Backup.EmbeddedRedis;

/// <summary>
/// Every Garnet setting this cluster depends on. Garnet's defaults serve a cache: no log, no waiting for it,
/// no recovery, 16 GiB of memory. Here an acknowledged write must survive the sudden end of the process, so
/// each of them is set on purpose.
/// </summary>
public static class GarnetSettings
{
    /// <summary>Records held in memory; what does not fit goes to the storage tier. A bound, not a reservation.</summary>
    private const string RecordsInMemory = "256m";

    /// <summary>
    /// Size of the append-only file at which Garnet takes a checkpoint and drops what the checkpoint covers.
    /// Replaying this much takes about a second, so it also bounds recovery.
    /// </summary>
    private const string AppendOnlyFileMax = "128m";

    /// <summary>The arguments Garnet is started with.</summary>
    public static string[] For(EmbeddedRedisOptions options) =>
    [
        // Who may reach it: this machine only. There is no password, so no other address is ever bound.
        "--bind", "127.0.0.1",
        "--port", options.Port.ToString(CultureInfo.InvariantCulture),
        "--network-connection-limit", "1000",
        "--network-buffer-memory-budget", "32m",

        // Where data lies. RandomAccess is .NET's own file I/O; the native device needs libaio.
        "--logdir", options.DataDirectory,
        "--checkpointdir", options.DataDirectory,
        "--device-type", "RandomAccess",

        // Durability: each write is in the file before its answer is sent (0 = commit with every operation),
        // and a start replays checkpoint and file, or fails loudly.
        "--aof", "true",
        "--aof-commit-freq", "0",
        "--aof-commit-wait", "true",
        "--recover", "true",
        "--fail-on-recovery-error", "true",

        // The file stays bounded: looked at every second, whole 32 MiB segments go after each checkpoint.
        "--aof-size-limit", AppendOnlyFileMax,
        "--aof-size-limit-enforce-frequency", "1",
        "--aof-segment-size", "32m",

        // Memory. Without a storage tier Garnet would evict, that is lose, records beyond its memory.
        // A page of the file must be twice a page of records; its memory, twice a page of the file.
        "--memory", RecordsInMemory,
        "--page", "2m",
        "--segment", "64m",
        "--object-log-segment", "64m",
        "--storage-tier", "true",
        "--index", "4m",
        "--index-max-size", "64m",
        "--aof-page-size", "4m",
        "--aof-memory", "16m",
        "--buffer-pool-memory-budget", "32m",
        "--max-databases", "1",

        // The record log on disk is compacted before it has more than four dead-weight segments.
        "--compaction-type", "Lookup",
        "--compaction-freq", "60",
        "--compaction-max-segments", "4",

        // Lua: each script runs as one transaction over its keys, as on Redis. A script that runs for five
        // seconds or holds 64 MiB is a mistake, and would hold its keys locked.
        "--lua", "true",
        "--lua-transaction-mode", "true",
        "--lua-script-timeout", "5000",
        "--lua-memory-management-mode", "Tracked",
        "--lua-script-memory-limit", "64m",

        // No remote debugging, no loading of modules; quiet but for warnings.
        "--enable-debug-command", "no",
        "--enable-module-command", "no",
        "-q",
        "--logger-level", "Warning",
    ];
}
