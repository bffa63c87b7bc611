using Backup.Protocol;

namespace Backup.Client;

/// <summary>Writes small files that only their owner may read, so that a crash leaves the old one or the new one.</summary>
internal static class PrivateFile
{
    // What a file says that somebody else holds: errno of Unix, and of Windows.
    private const int WouldBlock = 11; // EWOULDBLOCK
    private const int WouldBlockOnMac = 35;
    private const int SharingViolation = unchecked((int)0x80070020);

    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        var folder = Path.GetDirectoryName(path)!;
        MakeFolder(folder);
        var temporary = path + ".new";
        try
        {
            File.Delete(temporary);
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            using (var file = new FileStream(temporary, options))
            {
                file.Write(content);
                file.Flush();
                if (Libc.IsAvailable && Libc.Sync(file.SafeFileHandle) is var error and not 0)
                    throw new IOException(Libc.Text(error));
            }
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(path, e);
        }
    }

    /// <summary>Makes a folder that only its owner may look into.</summary>
    public static void MakeFolder(string folder)
    {
        try
        {
            if (OperatingSystem.IsWindows())
                Directory.CreateDirectory(folder);
            else
                Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(folder, e);
        }
    }

    /// <summary>Waits for nobody: a file that somebody holds is reported as held.</summary>
    /// <returns>The lock, given back by disposing it; null when another process holds it.</returns>
    public static FileStream? TryLock(string path)
    {
        MakeFolder(Path.GetDirectoryName(path)!);
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (e.HResult is WouldBlock or WouldBlockOnMac or SharingViolation)
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(path, e);
        }
    }

    private static FailureException Unwritable(string path, Exception e) => new Failure(FailureCode.LocalFailed,
        $"'{path}' cannot be written: {e.Message.TrimEnd('.')}.", path, "Make its folder writable, or set XDG_CONFIG_HOME and XDG_CACHE_HOME.").Exception(e);
}
