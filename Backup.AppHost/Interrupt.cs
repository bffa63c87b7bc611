using System.Runtime.InteropServices;

namespace Backup.AppHost;

/// <summary>
/// A cluster that a script starts in its background inherits SIGINT ignored, and .NET leaves it so. Whoever sends it means it:
/// it ends the cluster as Ctrl-C does.
/// </summary>
internal static partial class Interrupt
{
    private const int Sigint = 2;

    /// <summary>To be called before anything registers for the signal.</summary>
    public static void Heed()
    {
        if (!OperatingSystem.IsWindows())
            signal(Sigint, 0);
    }

    [LibraryImport("libc")]
    private static partial nint signal(int number, nint handler);
}
