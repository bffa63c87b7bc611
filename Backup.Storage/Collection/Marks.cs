using Backup.Protocol;
using Backup.Storage.Packs;
using Microsoft.Data.Sqlite;

namespace Backup.Storage.Collection;

/// <summary>
/// The chunks and lists of one client that a manifest references. They lie in a file of their own, so that memory is
/// bounded by SQLite's cache; nothing of it need survive a crash.
/// </summary>
internal sealed class Marks : IDisposable
{
    private const string FileName = "marks.db";

    /// <summary>The inner pages for some ten million marks.</summary>
    private const int CacheKib = 16 << 10;

    private readonly string path;
    private readonly SqliteConnection connection;
    private readonly Statement insert, find;

    public Marks(string directory)
    {
        path = Path.Combine(directory, FileName);
        IndexSchema.Delete(path);
        connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        connection.Open();
        foreach (var sql in (string[])["PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", "PRAGMA locking_mode = EXCLUSIVE", $"PRAGMA cache_size = -{CacheKib}",
            "CREATE TABLE marks(kind INTEGER NOT NULL, id BLOB NOT NULL, PRIMARY KEY(kind, id)) WITHOUT ROWID", "BEGIN"])
            IndexSchema.Execute(connection, sql);
        insert = new(connection, "INSERT OR IGNORE INTO marks VALUES(?1, ?2)");
        find = new(connection, "SELECT 1 FROM marks WHERE kind = ?1 AND id = ?2");
    }

    /// <returns>False when it was marked before.</returns>
    public bool Add(RecordKind kind, in ChunkId id)
    {
        insert.Reset().Bind(1, (int)kind).Bind(2, id).Run();
        return insert.Changes > 0;
    }

    public bool Has(RecordKind kind, in ChunkId id)
    {
        find.Reset().Bind(1, (int)kind).Bind(2, id);
        var found = find.Step();
        find.Reset();
        return found;
    }

    public void Dispose()
    {
        insert.Dispose();
        find.Dispose();
        connection.Dispose();
        IndexSchema.Delete(path);
    }
}
