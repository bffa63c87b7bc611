using Backup.Protocol;
using Microsoft.Data.Sqlite;

namespace Backup.Storage.Packs;

/// <summary>Changes rows inside a transaction of <see cref="PackIndex"/>, and the proof with them.</summary>
internal sealed class IndexWriter : IDisposable
{
    private readonly Statement insertClient, insertRecord, deleteRecord, findRecord, listRecords;
    private readonly Statement insertManifest, findManifest, deleteManifest, setPack, insertDamage, findDamage, deleteDamage, setProof, begin, commit, rollback;

    public IndexWriter(SqliteConnection connection)
    {
        Statement Sql(string sql) => new(connection, sql);
        insertClient = Sql("INSERT INTO clients VALUES(?1, ?2)");
        insertRecord = Sql("INSERT OR IGNORE INTO records VALUES(?1, ?2, ?3, ?4, ?5, ?6)");
        findRecord = Sql("SELECT pack, offset, stored FROM records WHERE client = ?1 AND kind = ?2 AND id = ?3");
        deleteRecord = Sql("DELETE FROM records WHERE client = ?1 AND kind = ?2 AND id = ?3");
        listRecords = Sql("SELECT client, kind, id, offset, stored FROM records WHERE pack = ?1 AND offset + stored > ?2");
        insertManifest = Sql("INSERT INTO manifests VALUES(?1, ?2, ?3, ?4)");
        findManifest = Sql("SELECT path, id FROM manifests WHERE client = ?1 AND version = ?2");
        deleteManifest = Sql("DELETE FROM manifests WHERE client = ?1 AND version = ?2");
        setPack = Sql("INSERT OR REPLACE INTO packs VALUES(?1, ?2, ?3, ?4, ?5)");
        insertDamage = Sql("INSERT OR IGNORE INTO damage VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)");
        findDamage = Sql("SELECT pack, offset, bytes, what FROM damage WHERE client = ?1 AND kind = ?2 AND id = ?3");
        deleteDamage = Sql("DELETE FROM damage WHERE pack = ?1 AND offset = ?2");
        setProof = Sql("UPDATE proof SET rows = ?1, sum = ?2");
        Dead = new DeadRows(connection, this);
        begin = Sql("BEGIN IMMEDIATE");
        commit = Sql("COMMIT");
        rollback = Sql("ROLLBACK");
    }

    private readonly Stack<Action> undo = [];
    private IndexProof proofBefore;
    private long damageRowsBefore;

    /// <summary>What the rows add up to, changes of this transaction included.</summary>
    public IndexProof Proof;

    /// <summary>Client numbers, which rows have in place of 16 bytes.</summary>
    public Dictionary<ClientId, int> Clients { get; } = [];

    public Dictionary<int, PackRow> Packs { get; } = [];

    /// <summary>Records that a sweep found referenced by nothing.</summary>
    public DeadRows Dead { get; }

    /// <summary>Rows of damage; while there are none, no record needs to be compared with them.</summary>
    public long DamageRows { get; set; }

    public void Begin()
    {
        begin.Reset().Run();
        (proofBefore, damageRowsBefore) = (Proof, DamageRows);
        Dead.Begin();
        undo.Clear();
    }

    public void Commit()
    {
        setProof.Reset().Bind(1, Proof.Rows).Bind(2, (long)Proof.Sum).Run();
        commit.Reset().Run();
    }

    /// <summary>Takes everything back since <see cref="Begin"/>, what is kept in memory included.</summary>
    public void Rollback()
    {
        try
        {
            rollback.Reset().Run();
        }
        catch (SqliteException)
        {
            // SQLite has rolled back by itself already, as it does when the disk is full.
        }
        (Proof, DamageRows) = (proofBefore, damageRowsBefore);
        Dead.Rollback();
        while (undo.TryPop(out var step))
            step();
    }

    /// <summary>Indexes a record that somebody has just stored. One that was about to be collected is kept.</summary>
    /// <returns>False when the record was indexed already.</returns>
    public bool AddRecord(in RecordLocation at)
    {
        Dead.Revive(at.Key);
        return Insert(at);
    }

    /// <summary>A record was copied to another pack. One that was removed meanwhile stays removed.</summary>
    /// <param name="to">Not held: it is dropped.</param>
    public bool Move(in RecordLocation from, in RecordLocation to)
    {
        if (Find(from.Key) != from)
            return false;
        Delete(from);
        if (!to.IsHeld)
            return true;
        // Two Forget records may have become the same one: the later place covers more.
        if (Find(to.Key) is { IsHeld: true } same)
            Delete(same);
        return Insert(to);
    }

    /// <summary>Where a record lies, changes of this transaction included.</summary>
    public RecordLocation Find(in RecordKey key)
    {
        findRecord.Reset().Bind(1, Number(key.Client)).Bind(2, (int)key.Kind).Bind(3, key.Id);
        var found = findRecord.Step() ? new RecordLocation(key, findRecord.Int32(0), findRecord.Int64(1), findRecord.Int32(2)) : new RecordLocation(key, 0, 0, 0);
        findRecord.Reset();
        return found;
    }

    /// <summary>Takes a record out of the index; its bytes are waste from now on.</summary>
    public void Delete(in RecordLocation at)
    {
        var (client, id) = (Number(at.Key.Client), at.Key.Id);
        deleteRecord.Reset().Bind(1, client).Bind(2, (int)at.Key.Kind).Bind(3, id).Run();
        Proof.Remove(IndexProof.OfRecord(client, (int)at.Key.Kind, id, at.Pack, at.Offset, at.StoredBytes));
    }

    /// <summary>Removes these versions, and indexes the record that says so in place of an earlier one that said the same.</summary>
    public void Forget(in RecordLocation at, long[] versions)
    {
        foreach (var version in versions)
            DeleteManifest(at.Key.Client, version, except: null);
        var before = Find(at.Key);
        if (before.IsHeld)
            Delete(before);
        Insert(at);
    }

    /// <summary>At most so many records of a pack.</summary>
    public List<RecordLocation> RecordsOf(int pack, int limit)
    {
        var clients = Clients.ToDictionary(pair => pair.Value, pair => pair.Key);
        var found = new List<RecordLocation>();
        listRecords.Reset().Bind(1, pack).Bind(2, -1);
        while (found.Count < limit && listRecords.Step())
        {
            var key = new RecordKey(clients[listRecords.Int32(0)], (RecordKind)listRecords.Int32(1), new ChunkId(listRecords.Blob(2)));
            found.Add(new RecordLocation(key, pack, listRecords.Int64(3), listRecords.Int32(4)));
        }
        listRecords.Reset();
        return found;
    }

    private bool Insert(in RecordLocation at)
    {
        var client = Number(at.Key.Client);
        var id = at.Key.Id;
        insertRecord.Reset().Bind(1, client).Bind(2, (int)at.Key.Kind).Bind(3, id).Bind(4, at.Pack).Bind(5, at.Offset).Bind(6, at.StoredBytes).Run();
        if (insertRecord.Changes == 0)
            return false;
        Proof.Add(IndexProof.OfRecord(client, (int)at.Key.Kind, id, at.Pack, at.Offset, at.StoredBytes));
        if (DamageRows > 0)
            Heal(at.Key);
        return true;
    }

    /// <summary>
    /// Indexes a manifest's record and points its version at it, in the order in which manifests lie in the packs: of a version that was
    /// stored, then with other nodes, then as at first, the last place counts.
    /// </summary>
    public void AddManifest(in RecordLocation at, long version, string path)
    {
        AddRecord(at);
        SetManifest(at.Key.Client, version, path, at.Key.Id);
    }

    /// <summary>Points a version at its manifest. What was written later counts: an earlier one with other content was never acknowledged.</summary>
    public void SetManifest(ClientId client, long version, string path, in ChunkId id)
    {
        var number = Number(client);
        DeleteManifest(client, version, except: id);
        insertManifest.Reset().Bind(1, number).Bind(2, version).Bind(3, path).Bind(4, id).Run();
        Proof.Add(IndexProof.OfManifest(number, version, path, id));
    }

    /// <summary>Removes a version and the record of its manifest; a record that is excepted stays.</summary>
    private void DeleteManifest(ClientId client, long version, ChunkId? except)
    {
        var number = Number(client);
        findManifest.Reset().Bind(1, number).Bind(2, version);
        if (findManifest.Step())
        {
            var id = new ChunkId(findManifest.Blob(1));
            Proof.Remove(IndexProof.OfManifest(number, version, findManifest.Text(0), id));
            findManifest.Reset();
            deleteManifest.Reset().Bind(1, number).Bind(2, version).Run();
            var record = Find(new RecordKey(client, RecordKind.Manifest, id));
            if (record.IsHeld && id != except)
                Delete(record);
            else if (DamageRows > 0 && id != except)
                Heal(record.Key);
        }
        findManifest.Reset();
    }

    /// <summary>A scrub that began then has read the pack to its end. What was damaged in it is noted, and what was appended since is newer.</summary>
    public void Verify(int pack, long sinceMs)
    {
        if (Packs.TryGetValue(pack, out var row) && row.State != PackState.Removed)
            SetPack(row with { VerifiedMs = sinceMs });
    }

    public void SetPack(PackRow row)
    {
        var isKnown = Packs.TryGetValue(row.Number, out var old);
        if (row.VerifiedMs == 0)
            row = row with { VerifiedMs = old.VerifiedMs };
        if (isKnown)
        {
            if (old == row)
                return;
            Proof.Remove(IndexProof.OfPack(old));
        }
        setPack.Reset().Bind(1, row.Number).Bind(2, (int)row.State).Bind(3, row.Length).Bind(4, row.Watermark).Bind(5, row.VerifiedMs).Run();
        Proof.Add(IndexProof.OfPack(row));
        Packs[row.Number] = row;
        var number = row.Number;
        undo.Push(() =>
        {
            if (isKnown)
                Packs[number] = old;
            else
                Packs.Remove(number);
        });
    }

    /// <summary>Notes a damaged place and stops serving the record that stood there. A record held whole elsewhere is no loss and not noted.</summary>
    public void AddDamage(Damage damage)
    {
        if (damage.Key is { } key && damage.IsLoss)
        {
            var (client, id) = (Number(key.Client), key.Id);
            findRecord.Reset().Bind(1, client).Bind(2, (int)key.Kind).Bind(3, key.Id);
            if (findRecord.Step())
            {
                var (pack, offset, stored) = (findRecord.Int32(0), findRecord.Int64(1), findRecord.Int32(2));
                findRecord.Reset();
                if (pack != damage.Pack || offset != damage.Offset)
                    return;
                deleteRecord.Reset().Bind(1, client).Bind(2, (int)key.Kind).Bind(3, id).Run();
                Proof.Remove(IndexProof.OfRecord(client, (int)key.Kind, id, pack, offset, stored));
            }
            findRecord.Reset();
        }
        InsertDamage(damage);
    }

    /// <summary>Turns every record of a pack that ends behind this offset into damage: the file has become shorter, or vanished.</summary>
    public void Vanish(int pack, long length)
    {
        var clients = Clients.ToDictionary(pair => pair.Value, pair => pair.Key);
        var gone = new List<Damage>();
        do
        {
            gone.Clear();
            listRecords.Reset().Bind(1, pack).Bind(2, length - RecordHeader.LengthBytes);
            while (gone.Count < RowsAtOnce && listRecords.Step())
            {
                var key = new RecordKey(clients[listRecords.Int32(0)], (RecordKind)listRecords.Int32(1), new ChunkId(listRecords.Blob(2)));
                gone.Add(new Damage(DamageKind.Vanished, pack, listRecords.Int64(3), RecordHeader.LengthBytes + listRecords.Int64(4), key));
            }
            listRecords.Reset();
            gone.ForEach(AddDamage);
        }
        while (gone.Count > 0);
    }

    public void Dispose()
    {
        Dead.Dispose();
        foreach (var statement in (Statement[])[insertClient, insertRecord, deleteRecord, findRecord, listRecords, insertManifest, findManifest,
            deleteManifest, setPack, insertDamage, findDamage, deleteDamage, setProof, begin, commit, rollback])
            statement.Dispose();
    }

    /// <summary>Bounds what is held in memory while rows move from one table to another.</summary>
    private const int RowsAtOnce = 10_000;

    public int Number(ClientId client)
    {
        if (Clients.TryGetValue(client, out var number))
            return number;
        number = Clients.Count + 1;
        Span<byte> id = stackalloc byte[ClientId.LengthBytes];
        client.Write(id);
        insertClient.Reset().Bind(1, number).Bind(2, id).Run();
        Proof.Add(IndexProof.OfClient(number, id));
        Clients.Add(client, number);
        undo.Push(() => Clients.Remove(client));
        return number;
    }

    private void InsertDamage(Damage damage)
    {
        Span<byte> client = stackalloc byte[damage.Key is null ? 0 : ClientId.LengthBytes];
        damage.Key?.Client.Write(client);
        ChunkId id = damage.Key?.Id ?? default;
        var kind = (int)(damage.Key?.Kind ?? 0);
        insertDamage.Reset().Bind(1, damage.Pack).Bind(2, damage.Offset).Bind(3, damage.Bytes).Bind(4, (int)damage.Kind);
        if (damage.Key is null)
            insertDamage.BindNull(5).BindNull(6).BindNull(7).Run();
        else
            insertDamage.Bind(5, client).Bind(6, kind).Bind(7, id).Run();
        if (insertDamage.Changes == 0)
            return;
        Proof.Add(IndexProof.OfDamage(damage.Pack, damage.Offset, damage.Bytes, (int)damage.Kind, client, kind, damage.Key is null ? [] : (ReadOnlySpan<byte>)id));
        DamageRows++;
    }

    /// <summary>A record that was damaged is held whole again, elsewhere.</summary>
    private void Heal(RecordKey key)
    {
        Span<byte> client = stackalloc byte[ClientId.LengthBytes];
        key.Client.Write(client);
        var id = key.Id;
        while (true)
        {
            findDamage.Reset().Bind(1, client).Bind(2, (int)key.Kind).Bind(3, id);
            if (!findDamage.Step())
                break;
            var (pack, offset, bytes, what) = (findDamage.Int32(0), findDamage.Int64(1), findDamage.Int64(2), findDamage.Int32(3));
            findDamage.Reset();
            deleteDamage.Reset().Bind(1, pack).Bind(2, offset).Run();
            Proof.Remove(IndexProof.OfDamage(pack, offset, bytes, what, client, (int)key.Kind, id));
            DamageRows--;
        }
        findDamage.Reset();
    }
}
