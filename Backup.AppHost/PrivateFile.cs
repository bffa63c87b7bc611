namespace Backup.AppHost;

/// <summary>Secrets kept with the cluster's data.</summary>
internal static class PrivateFile
{
    /// <summary>Whole or not at all, since half a secret would keep the next start from succeeding; and for its owner only.</summary>
    public static void Write(string path, string text)
    {
        // What is left of an earlier attempt may be open to others.
        File.Delete(path + ".new");
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var file = new StreamWriter(path + ".new", options))
            file.WriteLine(text);
        File.Move(path + ".new", path, overwrite: true);
    }
}
