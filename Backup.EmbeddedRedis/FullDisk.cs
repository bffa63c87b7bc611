using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Backup.EmbeddedRedis;

/// <summary>
/// What is done when the append-only file cannot be written. Garnet takes no more commits after one has failed, and what it has in memory
/// is ahead of the file: so the process waits until the disk takes bytes again, and begins anew in its own place, with the same id, from
/// what the file holds. Nobody was answered meanwhile.
/// </summary>
internal static partial class FullDisk
{
    /// <summary>What a start and the first commits write, with a margin.</summary>
    private const int NeededBytes = 8 << 20;

    private const int NoSpace = 28; // ENOSPC
    private const int OverQuota = 122; // EDQUOT

    private static readonly TimeSpan LookedAtEvery = TimeSpan.FromSeconds(1);

    private static int isBegun;

    /// <summary>Returns at once; the process is replaced when there is space.</summary>
    public static void BeginAnew(string directory, ILogger log, Exception why)
    {
        if (Interlocked.Exchange(ref isBegun, 1) == 1)
            return;
        LogFailed(log, why.Message);
        new Thread(() =>
        {
            // Whatever kept it from being written: for a life that is over there is nothing else to do.
            Wait(() => Takes(directory, _ => true), directory, log);
            Replace();
            Environment.FailFast("The embedded Redis could not begin anew.");
        })
        { IsBackground = true, Name = "begin anew" }.Start();
    }

    /// <summary>Returns when the directory is not full.</summary>
    /// <exception cref="IOException">Something else is wrong with it.</exception>
    public static void Wait(string directory, ILogger log) =>
        Wait(() => Takes(directory, e => e.HResult is NoSpace or OverQuota), directory, log);

    private static void Wait(Func<bool> takes, string directory, ILogger log)
    {
        for (var isSaid = false; !takes(); isSaid = true)
        {
            if (!isSaid)
                LogWaits(log, directory);
            Thread.Sleep(LookedAtEvery);
        }
    }

    private static bool Takes(string directory, Func<IOException, bool> isWaitedFor)
    {
        var probe = Path.Combine(directory, "probe");
        try
        {
            Directory.CreateDirectory(directory);
            using var file = File.OpenHandle(probe, FileMode.Create, FileAccess.Write, FileShare.None, FileOptions.DeleteOnClose | FileOptions.WriteThrough);
            RandomAccess.Write(file, new byte[NeededBytes], 0);
            return true;
        }
        catch (IOException e) when (isWaitedFor(e))
        {
            return false;
        }
    }

    /// <summary>The same program with the same arguments and environment; what was open for this life closes.</summary>
    private static void Replace()
    {
        var words = Encoding.UTF8.GetString(File.ReadAllBytes("/proc/self/cmdline")).TrimEnd('\0').Split('\0');
        _ = Execute("/proc/self/exe", [.. words.Select(Marshal.StringToCoTaskMemUTF8), 0]);
    }

    [DllImport("libc", EntryPoint = "execv")]
    private static extern int Execute([MarshalAs(UnmanagedType.LPUTF8Str)] string path, nint[] words);

    [LoggerMessage(Level = LogLevel.Critical, Message = "The append-only file cannot be written, and nothing is answered until it can: {Why}")]
    private static partial void LogFailed(ILogger log, string why);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Directory} takes no more bytes; waiting until it does")]
    private static partial void LogWaits(ILogger log, string directory);
}
