namespace Backup.FaultTests.Disks;

/// <summary>A directory of its own, in memory where the machine has such a place: the tests decide what is lost, not the machine.</summary>
public sealed class TestDirectory : IDisposable
{
    private const string Memory = "/dev/shm";

    /// <summary>All that a run of the simulation has there at once, several times over. Containers are given 64 MiB by default.</summary>
    private const long FreeBytesMin = 2L << 30;

    public TestDirectory()
    {
        var isInMemory = Directory.Exists(Memory) && new DriveInfo(Memory).AvailableFreeSpace >= FreeBytesMin;
        Path = isInMemory ? System.IO.Path.Combine(Memory, $"backup-faults-{Guid.NewGuid():N}") : Directory.CreateTempSubdirectory("backup-faults-").FullName;
        Directory.CreateDirectory(Path);
    }

    public string Path { get; }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
