using System.Diagnostics;

namespace Backup.Tests.Client;

/// <summary>A folder of a test's own, with everything that can be in a folder. It vanishes with the test.</summary>
internal sealed class TempFolder : IDisposable
{
    public TempFolder() => Path = Directory.CreateTempSubdirectory("backup-client-").FullName;

    public string Path { get; }

    public string At(string relative) => System.IO.Path.Join(Path, relative);

    public string File(string relative, string content = "content", DateTime? mtime = null)
    {
        var path = At(relative);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        System.IO.File.WriteAllText(path, content);
        // Long ago, so that it is not racy unless a test wants it to be.
        System.IO.File.SetLastWriteTimeUtc(path, mtime ?? new DateTime(2020, 1, 2, 3, 4, 5, DateTimeKind.Utc));
        return path;
    }

    public string Folder(string relative) => Directory.CreateDirectory(At(relative)).FullName;

    public void Link(string relative, string target)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(At(relative))!);
        System.IO.File.CreateSymbolicLink(At(relative), target);
    }

    public void Mode(string relative, int mode)
    {
        if (!OperatingSystem.IsWindows())
            System.IO.File.SetUnixFileMode(At(relative), (UnixFileMode)mode);
    }

    public int Mode(string relative) => OperatingSystem.IsWindows() ? 0 : (int)System.IO.File.GetUnixFileMode(At(relative));

    /// <summary>Runs a program that makes what .NET cannot: a FIFO, a name that is not UTF-8.</summary>
    public void Shell(string command)
    {
        var start = new ProcessStartInfo("/bin/sh") { WorkingDirectory = Path, RedirectStandardError = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(command);
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, error);
    }

    /// <summary>By rm, which manages names and depths that .NET does not.</summary>
    public void Dispose() => Shell($"chmod -R u+rwx . 2>/dev/null; rm -rf '{Path}'");
}
