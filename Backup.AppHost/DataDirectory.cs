namespace Backup.AppHost;

/// <summary>
/// The directory a cluster keeps its data in, held by one cluster at a time: two on the same data would each
/// overwrite what the other one wrote.
/// </summary>
internal sealed class DataDirectory : IDisposable
{
    private readonly FileStream held;

    private DataDirectory(FileStream held) => this.held = held;

    /// <summary>Makes the directory and takes hold of it.</summary>
    public static DataDirectory Open(ClusterOptions options)
    {
        try
        {
            foreach (var directory in Enumerable.Range(1, options.Nodes).Select(options.NodeDirectory).Append(options.RedisDirectory))
                Directory.CreateDirectory(directory);
            // The lock is the system's, so it ends with this process, whatever ends it.
            return new DataDirectory(new FileStream(Path.Combine(options.DataDirectory, "in-use.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException) when (File.Exists(Path.Combine(options.DataDirectory, "in-use.lock")))
        {
            throw new BadSettingException($"Cluster:DataDirectory={options.DataDirectory} is in use by another running cluster.");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new BadSettingException($"Cluster:DataDirectory={options.DataDirectory} cannot be written to: {failure.Message}");
        }
    }

    public void Dispose() => held.Dispose();
}
