using Backup.Storage.Packs;

namespace Backup.FaultTests.Disks;

/// <summary>
/// What SQLite's files were at some moments. Copies are taken while SQLite may write: a torn one fails its checksums or its proof,
/// as after a real crash.
/// </summary>
internal sealed class IndexCopies(string directory)
{
    /// <summary>Moments kept: an index is at most so many commits old after a crash.</summary>
    private const int CopiesKept = 3;

    private readonly Queue<Copy> copies = [];

    /// <param name="Database">Null when there is none.</param>
    /// <param name="Log">SQLite's write-ahead log.</param>
    public sealed record Copy(byte[]? Database, byte[]? Log);

    private string DatabasePath => Path.Combine(directory, IndexSchema.FileName);

    /// <summary>A moment that a crash may lead back to.</summary>
    public void Remember()
    {
        copies.Enqueue(Take());
        if (copies.Count > CopiesKept)
            copies.Dequeue();
    }

    public void Forget() => copies.Clear();

    public Copy Take() => new(Read(DatabasePath), Read(DatabasePath + "-wal"));

    public Copy Oldest() => copies.TryPeek(out var oldest) ? oldest : Take();

    public void Leave(IndexFate fate, Copy now, Copy older, Random random)
    {
        IndexSchema.Delete(DatabasePath);
        if (fate == IndexFate.Deleted)
            return;
        var (database, log) = fate == IndexFate.Older ? older : now;
        if (database is null)
            return;
        if (fate == IndexFate.Damaged)
        {
            var longer = log is { Length: > 0 } && random.Next(2) == 0 ? log : database;
            for (var i = 0; i < 3 && longer.Length > 0; i++)
                longer[random.Next(longer.Length)] ^= (byte)(1 << random.Next(8));
        }
        File.WriteAllBytes(DatabasePath, database);
        if (log is not null)
            File.WriteAllBytes(DatabasePath + "-wal", log);
    }

    private static byte[]? Read(string path)
    {
        if (!File.Exists(path))
            return null;
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var bytes = new byte[RandomAccess.GetLength(file)];
        var read = RandomAccess.Read(file, bytes, 0);
        return bytes[..read];
    }
}
