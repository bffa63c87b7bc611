using Backup.Protocol;
using Microsoft.Data.Sqlite;

namespace Backup.Storage.Packs;

/// <summary>Where each record lies: SQLite, a cache of the packs.</summary>
internal sealed class PackIndex : IDisposable
{
    private readonly SqliteConnection connection;
    private readonly Lock gate = new();
    private readonly Dictionary<ClientId, long> clients = [];
    private readonly SqliteCommand find;
    private readonly SqliteCommand insert;
    private readonly SqliteCommand insertManifest;
    private readonly SqliteCommand findManifest;
    private readonly SqliteCommand mark;

    public PackIndex(string path)
    {
        connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        connection.Open();
        Run("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;");
        Run("""
            CREATE TABLE IF NOT EXISTS client(id INTEGER PRIMARY KEY, guid BLOB UNIQUE NOT NULL);
            CREATE TABLE IF NOT EXISTS record(client INTEGER, kind INTEGER, id BLOB, pack INTEGER, at INTEGER, bytes INTEGER, PRIMARY KEY(client, kind, id)) WITHOUT ROWID;
            CREATE TABLE IF NOT EXISTS manifest(client INTEGER, version INTEGER, id BLOB, path TEXT, PRIMARY KEY(client, version)) WITHOUT ROWID;
            CREATE TABLE IF NOT EXISTS pack(number INTEGER PRIMARY KEY, indexed INTEGER NOT NULL);
            """);
        find = Prepare("SELECT pack, at, bytes FROM record WHERE client=$a AND kind=$b AND id=$c", 3);
        insert = Prepare("INSERT OR IGNORE INTO record VALUES($a,$b,$c,$d,$e,$f)", 6);
        insertManifest = Prepare("INSERT OR REPLACE INTO manifest VALUES($a,$b,$c,$d)", 4);
        findManifest = Prepare("SELECT id FROM manifest WHERE client=$a AND version=$b", 2);
        mark = Prepare("INSERT OR REPLACE INTO pack VALUES($a,$b)", 2);
        using var all = connection.CreateCommand();
        all.CommandText = "SELECT id, guid FROM client";
        using var reader = all.ExecuteReader();
        while (reader.Read())
            clients[ClientId.Read((byte[])reader[1])] = reader.GetInt64(0);
    }

    public Dictionary<int, long> Watermarks()
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT number, indexed FROM pack";
        using var reader = command.ExecuteReader();
        var marks = new Dictionary<int, long>();
        while (reader.Read())
            marks[reader.GetInt32(0)] = reader.GetInt64(1);
        return marks;
    }

    public RecordLocation? Find(ClientId client, RecordKind kind, ChunkId id)
    {
        lock (gate)
        {
            if (!clients.TryGetValue(client, out var number))
                return null;
            Bind(find, number, (int)kind, Bytes(id));
            using var reader = find.ExecuteReader();
            return reader.Read() ? new RecordLocation(reader.GetInt32(0), reader.GetInt64(1), reader.GetInt32(2)) : null;
        }
    }

    public ChunkId? FindManifest(ClientId client, long version)
    {
        lock (gate)
        {
            if (!clients.TryGetValue(client, out var number))
                return null;
            Bind(findManifest, number, version);
            return findManifest.ExecuteScalar() is byte[] id ? new ChunkId(id) : null;
        }
    }

    public void Add(IEnumerable<(RecordHeader Header, RecordLocation At, ManifestHead? Manifest)> rows, IEnumerable<(int Pack, long Indexed)> marks)
    {
        lock (gate)
        {
            Run("BEGIN");
            foreach (var (header, at, manifest) in rows)
            {
                var client = Client(header.Client);
                Bind(insert, client, (int)header.Kind, Bytes(header.Id), at.Pack, at.Offset, at.Bytes);
                insert.ExecuteNonQuery();
                if (manifest is null)
                    continue;
                Bind(insertManifest, client, manifest.Version, Bytes(header.Id), manifest.Path.Value);
                insertManifest.ExecuteNonQuery();
            }
            foreach (var (pack, indexed) in marks)
            {
                Bind(mark, pack, indexed);
                mark.ExecuteNonQuery();
            }
            Run("COMMIT");
        }
    }

    public void Dispose() => connection.Dispose();

    private long Client(ClientId client)
    {
        if (clients.TryGetValue(client, out var number))
            return number;
        using var command = connection.CreateCommand();
        command.CommandText = "INSERT INTO client(guid) VALUES($a) RETURNING id";
        var guid = new byte[16];
        client.Write(guid);
        command.Parameters.AddWithValue("$a", guid);
        return clients[client] = (long)command.ExecuteScalar()!;
    }

    private static byte[] Bytes(ChunkId id) => ((ReadOnlySpan<byte>)id).ToArray();

    private void Run(string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private SqliteCommand Prepare(string sql, int parameters)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        for (var i = 0; i < parameters; i++)
            command.Parameters.Add(new SqliteParameter($"${(char)('a' + i)}", null));
        return command;
    }

    private static void Bind(SqliteCommand command, params object[] values)
    {
        for (var i = 0; i < values.Length; i++)
            command.Parameters[i].Value = values[i];
    }
}
