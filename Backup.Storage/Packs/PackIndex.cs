using System.Collections.Concurrent;
using Backup.Protocol;
using Microsoft.Data.Sqlite;

namespace Backup.Storage.Packs;

/// <summary>
/// Where each record lies: an SQLite database that could be deleted at any time and is made anew from the packs.
/// One writer, under a lock; a few readers beside it, which see what was committed.
/// </summary>
internal sealed class PackIndex : IDisposable
{
    /// <summary>Readers kept for the next question. More are made when more ask at once, and closed afterwards.</summary>
    private const int ReadersKept = 4;

    private readonly string path;
    private readonly SqliteConnection connection;
    private readonly IndexWriter writer;
    private readonly Lock writing = new();
    private readonly ConcurrentBag<IndexReader> readers = [];
    private readonly ConcurrentDictionary<ClientId, int> clients;

    private PackIndex(string path, SqliteConnection connection, IndexWriter writer)
    {
        this.path = path;
        this.connection = connection;
        this.writer = writer;
        clients = new(writer.Clients);
    }

    /// <returns>Null when there is no index, a damaged one, or one of another format or incarnation.</returns>
    public static PackIndex? TryOpen(string path, Guid incarnation)
    {
        if (!File.Exists(path))
            return null;
        SqliteConnection? connection = null;
        IndexWriter? writer = null;
        try
        {
            connection = IndexSchema.Connect(path, writer: true);
            if (IndexSchema.IsOurs(connection, incarnation))
            {
                writer = new IndexWriter(connection);
                if (IndexCheck.Load(connection, writer))
                    return new PackIndex(path, connection, writer);
            }
        }
        catch (Exception e) when (e is SqliteException or OverflowException or ArgumentException)
        {
            // Whatever a damaged database makes SQLite say, the answer is the same: make it anew.
        }
        writer?.Dispose();
        connection?.Dispose();
        return null;
    }

    public static PackIndex Create(string path, Guid incarnation)
    {
        IndexSchema.Delete(path);
        var connection = IndexSchema.Connect(path, writer: true);
        IndexSchema.Create(connection, incarnation);
        return new PackIndex(path, connection, new IndexWriter(connection));
    }

    /// <summary>Changes rows, all or none. Afterwards every reader sees them.</summary>
    public void Write(Action<IndexWriter> change)
    {
        lock (writing)
        {
            writer.Begin();
            try
            {
                change(writer);
                writer.Commit();
            }
            catch
            {
                writer.Rollback();
                throw;
            }
            foreach (var (client, number) in writer.Clients)
                clients.TryAdd(client, number);
        }
    }

    /// <summary>The packs the index knows.</summary>
    public PackRow[] Packs()
    {
        lock (writing)
            return writer.Packs.Values.OrderBy(pack => pack.Number).ToArray();
    }

    public RecordLocation Find(in RecordKey key) => Find(key.Client, key.Kind, [key.Id])[0];

    /// <summary>The same for many, in one go.</summary>
    public RecordLocation[] Find(ClientId client, RecordKind kind, ReadOnlySpan<ChunkId> ids)
    {
        var found = new RecordLocation[ids.Length];
        var isKnown = clients.TryGetValue(client, out var number);
        var reader = Rent();
        reader.Begin();
        for (var i = 0; i < ids.Length; i++)
        {
            var key = new RecordKey(client, kind, ids[i]);
            found[i] = isKnown ? reader.Find(number, key) : new RecordLocation(key, 0, 0, 0);
        }
        reader.End();
        Return(reader);
        return found;
    }

    /// <summary>The same for whoever relies on what is found: a record that was noted as dead is live again, or is not found.</summary>
    public RecordLocation[] Rely(ClientId client, RecordKind kind, ReadOnlySpan<ChunkId> ids)
    {
        var found = new RecordLocation[ids.Length];
        var noted = new List<int>();
        var isKnown = clients.TryGetValue(client, out var number);
        var reader = Rent();
        // One transaction: between the two questions a sweep must not note what was found.
        reader.Begin();
        for (var i = 0; i < ids.Length; i++)
        {
            var key = new RecordKey(client, kind, ids[i]);
            found[i] = isKnown ? reader.Find(number, key) : new RecordLocation(key, 0, 0, 0);
            if (found[i].IsHeld && reader.IsDead(number, key))
                noted.Add(i);
        }
        reader.End();
        Return(reader);
        if (noted.Count > 0)
            Write(writer => noted.ForEach(i =>
            {
                writer.Dead.Revive(found[i].Key);
                found[i] = writer.Find(found[i].Key);
            }));
        return found;
    }

    /// <summary>All clients that ever had a record here.</summary>
    public ClientId[] Clients => [.. clients.Keys];

    public List<(long Version, ChunkId Id)> ManifestsAfter(ClientId client, long version, int limit) =>
        clients.TryGetValue(client, out var number) ? Ask(reader => reader.ManifestsAfter(number, version, limit)) : [];

    public List<RecordLocation> RecordsAfter(RecordKey key, int limit) =>
        clients.TryGetValue(key.Client, out var number) ? Ask(reader => reader.RecordsAfter(number, key, limit)) : [];

    /// <summary>The records that lie within a stretch of a pack.</summary>
    public List<RecordLocation> RecordsIn(int pack, long from, long to)
    {
        var names = clients.ToDictionary(pair => pair.Value, pair => pair.Key);
        return Ask(reader => reader.RecordsIn(pack, from, to))
            .ConvertAll(row => new RecordLocation(new RecordKey(names[row.Client], row.Kind, row.Id), pack, row.Offset, row.StoredBytes));
    }

    public string? PathOf(ClientId client, long version) =>
        clients.TryGetValue(client, out var number) ? Ask(reader => reader.PathOf(number, version)) : null;

    public Dictionary<int, long> LiveBytes() => Ask(reader => reader.LiveBytes());

    public bool IsForeign(int pack) => Ask(reader => reader.IsForeign(pack));

    /// <summary>The highest sweep that left a note.</summary>
    public long LastSweep
    {
        get
        {
            lock (writing)
                return writer.Dead.LastSweep;
        }
    }

    /// <summary>The same as <see cref="Write"/>, and on return the change is on the disk, with all that were made before it.</summary>
    public void WriteThrough(Action<IndexWriter> change)
    {
        lock (writing)
        {
            IndexSchema.Execute(connection, "PRAGMA synchronous = FULL");
            try
            {
                Write(change);
            }
            finally
            {
                IndexSchema.Execute(connection, "PRAGMA synchronous = NORMAL");
            }
        }
    }

    /// <summary>
    /// Moves all that SQLite's log holds into the database and empties the log. A damaged log takes back what is in it without a
    /// word: what the packs cannot bring back once a file of them is deleted must not be there any more.
    /// </summary>
    /// <returns>False when a reader is in the way for longer than SQLite waits.</returns>
    public bool TrySettle()
    {
        lock (writing)
        {
            using var checkpoint = new Statement(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
            return checkpoint.Step() && checkpoint.Int32(0) == 0;
        }
    }

    public ChunkId? FindManifest(ClientId client, long version) =>
        clients.TryGetValue(client, out var number) ? Ask(reader => reader.FindManifest(number, version)) : null;

    public bool IsDamaged(RecordKey key) => Ask(reader => reader.IsDamaged(key));

    public List<Damage> Damage(int limit) => Ask(reader => reader.Damage(limit));

    public void Dispose()
    {
        foreach (var reader in readers)
            reader.Dispose();
        writer.Dispose();
        connection.Dispose();
    }

    /// <summary>A reader that threw is not used again: it may hold a transaction open. The finaliser of its handle closes it.</summary>
    private T Ask<T>(Func<IndexReader, T> question)
    {
        var reader = Rent();
        var answer = question(reader);
        Return(reader);
        return answer;
    }

    private IndexReader Rent() => readers.TryTake(out var reader) ? reader : new IndexReader(path);

    private void Return(IndexReader reader)
    {
        if (readers.Count < ReadersKept)
            readers.Add(reader);
        else
            reader.Dispose();
    }
}
