using System.Runtime.InteropServices;
using Backup.Protocol;
using Microsoft.Win32.SafeHandles;

namespace Backup.Storage.Packs;

/// <summary>
/// Keeps a second process out of a data directory: two appenders would overwrite each other's records.
/// The kernel gives the lock back when the process ends, however it ends.
/// </summary>
internal sealed partial class DirectoryLock : IDisposable
{
    public const string FileName = "lock";
    private const int ExclusiveNow = 2 | 4; // LOCK_EX | LOCK_NB
    private const int WouldBlock = 11; // EWOULDBLOCK

    private readonly SafeFileHandle file;

    private DirectoryLock(SafeFileHandle file) => this.file = file;

    /// <exception cref="FailureException">Another process holds it.</exception>
    public static DirectoryLock Take(string directory, string culprit)
    {
        // .NET's own locking follows FileShare, and an environment variable can turn it off: take the lock by hand as well.
        try
        {
            var file = File.OpenHandle(Path.Combine(directory, FileName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite);
            if (FlockNative(file, ExclusiveNow) == 0)
                return new DirectoryLock(file);
            file.Dispose();
        }
        catch (IOException e) when (e.HResult == WouldBlock)
        {
        }
        throw new Failure(FailureCode.LocalFailed, $"The data directory '{directory}' is in use by another process.", culprit,
            "Stop that process, or give this node a directory of its own.").Exception();
    }

    public void Dispose() => file.Dispose();

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int FlockNative(SafeFileHandle file, int operation);
}
