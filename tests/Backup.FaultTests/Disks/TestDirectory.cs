namespace Backup.FaultTests.Disks;

/// <summary>A directory of its own, in memory where the machine has such a place: the tests decide what is lost, not the machine.</summary>
public sealed class TestDirectory : IDisposable
{
    private const string Memory = "/dev/shm";

    public TestDirectory()
    {
        Path = Directory.Exists(Memory) ? System.IO.Path.Combine(Memory, $"backup-faults-{Guid.NewGuid():N}") : Directory.CreateTempSubdirectory("backup-faults-").FullName;
        Directory.CreateDirectory(Path);
    }

    public string Path { get; }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
