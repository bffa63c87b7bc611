using Backup.Protocol;
using Microsoft.Data.Sqlite;

namespace Backup.Storage.Packs;

/// <summary>
/// Notes of records that a sweep found referenced by nothing. What is noted is still served; whoever relies on such a
/// record takes its note away, and only a record that is noted is ever removed.
/// </summary>
internal sealed class DeadRows : IDisposable
{
    private readonly IndexWriter index;
    private readonly Statement find, insert, delete, due;
    private long rowsBefore;

    public DeadRows(SqliteConnection connection, IndexWriter index)
    {
        this.index = index;
        find = new(connection, "SELECT sweep, since FROM dead WHERE client = ?1 AND kind = ?2 AND id = ?3");
        insert = new(connection, "INSERT INTO dead VALUES(?1, ?2, ?3, ?4, ?5)");
        delete = new(connection, "DELETE FROM dead WHERE client = ?1 AND kind = ?2 AND id = ?3");
        due = new(connection, "SELECT kind, id FROM dead WHERE client = ?1 AND sweep < ?2 AND since <= ?3 LIMIT ?4");
    }

    /// <summary>While there are none, nothing needs to be compared with them.</summary>
    public long Rows { get; private set; }

    /// <summary>The highest sweep that a note was made in.</summary>
    public long LastSweep { get; private set; }

    public void Loaded(long sweep)
    {
        Rows++;
        LastSweep = Math.Max(LastSweep, sweep);
    }

    public void Begin() => rowsBefore = Rows;

    public void Rollback() => Rows = rowsBefore;

    /// <returns>False when it was noted before.</returns>
    public bool Note(in RecordKey key, long sweep, long since)
    {
        var (client, id) = (index.Number(key.Client), key.Id);
        find.Reset().Bind(1, client).Bind(2, (int)key.Kind).Bind(3, id);
        var isNoted = find.Step();
        find.Reset();
        if (isNoted)
            return false;
        insert.Reset().Bind(1, client).Bind(2, (int)key.Kind).Bind(3, id).Bind(4, sweep).Bind(5, since).Run();
        index.Proof.Add(IndexProof.OfDead(client, (int)key.Kind, id, sweep, since));
        Rows++;
        return true;
    }

    /// <summary>Takes a note away.</summary>
    public void Revive(in RecordKey key)
    {
        if (Rows == 0)
            return;
        var (client, id) = (index.Number(key.Client), key.Id);
        find.Reset().Bind(1, client).Bind(2, (int)key.Kind).Bind(3, id);
        if (find.Step())
        {
            index.Proof.Remove(IndexProof.OfDead(client, (int)key.Kind, id, find.Int64(0), find.Int64(1)));
            find.Reset();
            delete.Reset().Bind(1, client).Bind(2, (int)key.Kind).Bind(3, id).Run();
            Rows--;
        }
        find.Reset();
    }

    /// <summary>Records noted before this sweep and not after this time.</summary>
    public List<RecordKey> Due(ClientId client, long beforeSweep, long until, int limit)
    {
        var found = new List<RecordKey>();
        due.Reset().Bind(1, index.Number(client)).Bind(2, beforeSweep).Bind(3, until).Bind(4, limit);
        while (due.Step())
            found.Add(new RecordKey(client, (RecordKind)due.Int32(0), new ChunkId(due.Blob(1))));
        due.Reset();
        return found;
    }

    public void Dispose()
    {
        foreach (var statement in (Statement[])[find, insert, delete, due])
            statement.Dispose();
    }
}
