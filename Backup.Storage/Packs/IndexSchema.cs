using Backup.Protocol;
using Microsoft.Data.Sqlite;

namespace Backup.Storage.Packs;

/// <summary>The tables of the index and its connections. The index is a cache: whatever is wrong with it, it is made anew from the packs.</summary>
internal static class IndexSchema
{
    public const string FileName = "index.db";

    /// <summary>Written into the database's header; an index of another version is rebuilt.</summary>
    public const int FormatVersion = 3;

    /// <summary>
    /// SQLite's page cache of the one writer. The inner pages of an index of some million rows; beyond that it reads from the system's
    /// cache, which costs a microsecond and is not memory of a node's own.
    /// </summary>
    private const int WriterCacheKib = 2 << 10;

    /// <summary>The same of each reader.</summary>
    private const int ReaderCacheKib = 1 << 10;

    // Clients are numbered, and a record's row has no rowid, to keep a row near 50 bytes: a million of them in 60 MB.
    public static readonly string[] Tables =
    [
        "CREATE TABLE clients(number INTEGER PRIMARY KEY, id BLOB NOT NULL)",
        "CREATE TABLE records(client INTEGER NOT NULL, kind INTEGER NOT NULL, id BLOB NOT NULL, pack INTEGER NOT NULL, offset INTEGER NOT NULL, stored INTEGER NOT NULL, PRIMARY KEY(client, kind, id)) WITHOUT ROWID",
        "CREATE TABLE manifests(client INTEGER NOT NULL, version INTEGER NOT NULL, path TEXT NOT NULL, id BLOB NOT NULL, PRIMARY KEY(client, version)) WITHOUT ROWID",
        "CREATE TABLE packs(number INTEGER PRIMARY KEY, state INTEGER NOT NULL, length INTEGER NOT NULL, watermark INTEGER NOT NULL, verified INTEGER NOT NULL)",
        "CREATE TABLE damage(pack INTEGER NOT NULL, offset INTEGER NOT NULL, bytes INTEGER NOT NULL, what INTEGER NOT NULL, client BLOB, kind INTEGER, id BLOB, PRIMARY KEY(pack, offset)) WITHOUT ROWID",
        "CREATE TABLE dead(client INTEGER NOT NULL, kind INTEGER NOT NULL, id BLOB NOT NULL, sweep INTEGER NOT NULL, since INTEGER NOT NULL, PRIMARY KEY(client, kind, id)) WITHOUT ROWID",
        "CREATE TABLE proof(incarnation BLOB NOT NULL, rows INTEGER NOT NULL, sum INTEGER NOT NULL)",
    ];

    public static void Create(SqliteConnection connection, Guid incarnation)
    {
        Execute(connection, "BEGIN IMMEDIATE");
        foreach (var table in Tables)
            Execute(connection, table);
        Execute(connection, $"INSERT INTO proof VALUES(x'{incarnation:N}', 0, 0)");
        Execute(connection, $"PRAGMA user_version = {FormatVersion}");
        Execute(connection, "COMMIT");
    }

    /// <summary>Whether these are the tables of this version, made for this incarnation.</summary>
    public static bool IsOurs(SqliteConnection connection, Guid incarnation)
    {
        using (var version = new Statement(connection, "PRAGMA user_version"))
        {
            if (!version.Step() || version.Int32(0) != FormatVersion)
                return false;
        }
        var found = new List<string>();
        using (var tables = new Statement(connection, "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"))
        {
            while (tables.Step())
                found.Add(tables.Text(0));
        }
        if (!found.Order().SequenceEqual(Tables.Order()))
            return false;
        using var made = new Statement(connection, "SELECT incarnation FROM proof");
        return made.Step() && made.Blob(0).SequenceEqual(incarnation.ToByteArray(bigEndian: true)) && !made.Step();
    }

    public static SqliteConnection Connect(string path, bool writer)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = writer ? SqliteOpenMode.ReadWriteCreate : SqliteOpenMode.ReadWrite,
            Pooling = false,
        }.ToString());
        try
        {
            connection.Open();
            // NORMAL: after a loss of power the last transactions may be gone, all of them whole; the packs replay them.
            foreach (var pragma in (string[])["journal_mode = WAL", "synchronous = NORMAL", "busy_timeout = 10000",
                $"cache_size = -{(writer ? WriterCacheKib : ReaderCacheKib)}", "cell_size_check = ON"])
                Execute(connection, "PRAGMA " + pragma);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Removes the index with what SQLite keeps beside it.</summary>
    public static void Delete(string path)
    {
        foreach (var suffix in (string[])["", "-wal", "-shm", "-journal"])
            File.Delete(path + suffix);
    }

    public static void Execute(SqliteConnection connection, string sql)
    {
        using var statement = new Statement(connection, sql);
        statement.Run();
    }
}
