using System.Runtime.InteropServices;
using Backup.Protocol;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Backup.ServiceDefaults;

/// <summary>
/// Keeps some of the process's handles (<c>ulimit -n</c>) for its own work: whoever connects when no others are left is turned away at once.
/// Without them the runtime does not merely fail: it ends the process when it can start no thread, each of which takes two.
/// </summary>
internal static class HandleReserve
{
    /// <summary>64 packs open for reading, 32 for what is written and the index, as many for connections to others, 64 for threads and for code that is loaded late.</summary>
    private const int HandlesKept = 192;

    /// <summary>A process has some 350 open when it has started, two for each assembly; the rest is for its reserve and a few dozen connections.</summary>
    private const int HandlesMin = 640;

    private const int LimitOfHandles = 7; // RLIMIT_NOFILE

    /// <exception cref="FailureException">LocalFailed: there are too few for any connection.</exception>
    public static void Check()
    {
        if (Limit() < HandlesMin)
        {
            throw new Failure(FailureCode.LocalFailed, $"The process may have {Limit()} file handles open, and needs at least {HandlesMin}.", "client",
                $"Allow it more: ulimit -n {HandlesMin * 4}, or LimitNOFILE in its service.").Exception();
        }
    }

    public static void Keep(ListenOptions listen) => listen.Use(next => connection =>
    {
        if (!IsNear(connection))
            return next(connection);
        connection.Abort(new ConnectionAbortedException("The process has no handles left for connections."));
        return Task.CompletedTask;
    });

    /// <summary>The system gives the lowest free number, so that of the newest handle says how many are in use. The limit may be changed from outside at any time.</summary>
    private static bool IsNear(ConnectionContext connection) =>
        connection.Features.Get<IConnectionSocketFeature>() is { } feature && feature.Socket.Handle > Limit() - HandlesKept;

    private static long Limit() =>
        OperatingSystem.IsLinux() && GetLimit(LimitOfHandles, out var limit) == 0 ? (long)Math.Min(limit.Soft, int.MaxValue) : int.MaxValue;

    [StructLayout(LayoutKind.Sequential)]
    private struct Bounds
    {
        public nuint Soft, Hard;
    }

    [DllImport("libc", EntryPoint = "getrlimit")]
    private static extern int GetLimit(int resource, out Bounds limit);
}
