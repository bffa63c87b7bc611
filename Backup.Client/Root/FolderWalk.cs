using System.Runtime.InteropServices;

namespace Backup.Client;

/// <summary>
/// Goes down from an open folder, following no link: whatever stands behind a path that was
/// reached this way lies beneath that folder, even when somebody puts links on the way meanwhile.
/// </summary>
internal static class FolderWalk
{
    /// <summary>Opens a folder beneath another; the caller closes it. −1 means it failed, with the error beside it.</summary>
    /// <param name="folder">Relative, '/' between components; empty for the folder itself.</param>
    /// <param name="making">What is missing is made with these bits and told of; null to make nothing.</param>
    public static int Open(SafeHandle from, string folder, out int error, uint making = 0, Action<string>? made = null)
    {
        // One call where the kernel has openat2 and every folder is there. Where it fails, for whatever reason, the walk below makes
        // what is missing, or finds the error to report.
        var at = folder.Length == 0 ? -1 : Libc.OpenBeneath(from, folder, Libc.ReadOnly | Libc.Directory | Libc.NoFollow);
        error = 0;
        if (at >= 0)
            return at;
        at = Libc.OpenAt((int)from.DangerousGetHandle(), ".", Libc.ReadOnly | Libc.Directory);
        error = Marshal.GetLastPInvokeError();
        foreach (var part in folder.Length == 0 ? default : folder.AsSpan().Split('/'))
        {
            if (at < 0)
                break;
            var next = Step(at, folder[part], making != 0, making, out var isNew, out error);
            _ = Libc.Close(at);
            at = next;
            if (isNew)
                made?.Invoke(folder[..part.End]);
        }
        return at;
    }

    /// <summary>Opens the folder in which a path stands.</summary>
    public static int OpenParent(SafeHandle from, string path, out string name, out int error, uint making = 0, Action<string>? made = null)
    {
        var slash = path.LastIndexOf('/');
        name = path[(slash + 1)..];
        return Open(from, slash < 0 ? "" : path[..slash], out error, making, made);
    }

    private static int Step(int at, string name, bool make, uint mode, out bool isNew, out int error)
    {
        isNew = false;
        var next = Libc.OpenAt(at, name, Libc.ReadOnly | Libc.Directory | Libc.NoFollow);
        error = Marshal.GetLastPInvokeError();
        if (next >= 0 || error != Libc.NoEntry || !make)
            return next;
        isNew = Libc.MakeFolderAt(at, name, mode) == 0;
        error = Marshal.GetLastPInvokeError();
        if (!isNew && error != Libc.Exists)
            return -1;
        next = Libc.OpenAt(at, name, Libc.ReadOnly | Libc.Directory | Libc.NoFollow);
        error = Marshal.GetLastPInvokeError();
        return next;
    }
}
