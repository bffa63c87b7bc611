using System.Net;
using Garnet.server;
using Garnet.server.Auth.Settings;
using Microsoft.Extensions.Logging;
using Tsavorite.core;

namespace Backup.EmbeddedRedis;

/// <summary>
/// Every Garnet setting this cluster depends on. Garnet's defaults serve a cache: no log, no recovery, 16 GiB of
/// memory, and records that do not fit are dropped. Here an acknowledged write must survive the sudden end of the
/// process, so each of them is set on purpose.
/// </summary>
internal static class GarnetSettings
{
    /// <summary>
    /// Size of the append-only file, in bytes, at which a checkpoint is taken and the file cut. It bounds the disk
    /// and the recovery, which replays about 100 MiB a second on two cores.
    /// </summary>
    public const long AppendOnlyFileBytesMax = 128L << 20;

    /// <summary>
    /// Memory the records may take, in bytes: half of what the machine has. A bound, not a reservation; a million
    /// small keys take about 200 MiB.
    /// </summary>
    public static readonly long RecordBytesMax = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2;

    /// <summary>
    /// A manager needs two connections. Each may hold a thread while it waits at the gate of
    /// <see cref="SerialGarnet"/>, and the one that is through needs more to write the file: so there are always
    /// more threads than connections, else all would wait for each other.
    /// </summary>
    private const int ConnectionsMax = 128;

    /// <summary>A script that runs this long is a mistake, and everything else waits for it.</summary>
    private static readonly TimeSpan ScriptTimeMax = TimeSpan.FromSeconds(5);

    public static GarnetServerOptions For(EmbeddedRedisOptions options, ILogger logger) => new(logger)
    {
        // Who may reach it: this machine only, and of those who run there, who has the password.
        EndPoints = [new IPEndPoint(IPAddress.Loopback, options.Port)],
        AuthSettings = new PasswordAuthenticationSettings(options.Password),
        TlsOptions = options.Certificate is { } files ? new TlsFromFiles(files) : null,
        EnableDebugCommand = ConnectionProtectionOption.No,
        EnableModuleCommand = ConnectionProtectionOption.No,

        // Where data lies. RandomAccess is .NET's own file I/O; the native device needs libaio.
        CheckpointDir = options.DataDirectory,
        DeviceType = DeviceType.RandomAccess,

        // Durability: commits are issued by SerialGarnet, at the end of a request and before its answer (-1 = by
        // hand). A start replays checkpoint and file, or fails loudly.
        EnableAOF = true,
        CommitFrequencyMs = -1,
        WaitForCommit = false,
        Recover = true,
        FailOnRecoveryError = true,
        AofSegmentSize = "32m",

        // Memory. Everything stays in it, as with Redis: Garnet's storage tier fails on objects that were written out
        // (an update of one throws, FLUSHALL hangs), and without a tier what does not fit would be dropped, so
        // SerialGarnet ends the process before that. The space of deleted records (about 100 bytes each) is not used
        // again: revivification, which would do so, recovers wrong values from a checkpoint. A page of the file must
        // be twice a page of records; the file's memory, twice a page of the file.
        EnableStorageTier = false,
        LogMemorySize = $"{RecordBytesMax >> 20}m",
        PageSize = "2m",
        IndexMemorySize = "4m",
        IndexMaxMemorySize = "256m",
        AofPageSize = "4m",
        AofMemorySize = "16m",
        BufferPoolMemoryBudget = "32m",
        NetworkBufferMemoryBudget = "32m",
        NetworkConnectionLimit = ConnectionsMax,
        ThreadPoolMinThreads = ConnectionsMax + 16,
        MaxDatabases = 1,

        // Lua. No transaction mode: requests run one at a time (SerialGarnet), so there is nothing to lock, and
        // scripts may touch keys they did not name, as on Redis. 64 MiB in a script is a mistake too.
        EnableLua = true,
        LuaTransactionMode = false,
        LuaOptions = new LuaOptions(LuaMemoryManagementMode.Tracked, "64m", ScriptTimeMax, LuaLoggingMode.Enable, [], logger),

        QuietMode = true,
    };
}
