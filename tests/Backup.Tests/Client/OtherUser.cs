using System.Runtime.InteropServices;

namespace Backup.Tests.Client;

/// <summary>
/// Lets the current thread touch files as nobody does, for as long as it is not disposed: tests that run as root see what a
/// person without rights sees. Linux keeps this id for each thread.
/// </summary>
internal sealed partial class OtherUser : IDisposable
{
    private const uint Nobody = 65534;
    private readonly uint before = setfsuid(Nobody);

    public void Dispose() => _ = setfsuid(before);

    [LibraryImport("libc")]
    private static partial uint setfsuid(uint id);
}
