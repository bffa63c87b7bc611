using Backup.Protocol;
using Microsoft.Data.Sqlite;

namespace Backup.Storage.Packs;

/// <summary>One connection that asks the index. Serves one thread at a time; <see cref="PackIndex"/> keeps a few.</summary>
internal sealed class IndexReader : IDisposable
{
    private readonly SqliteConnection connection;
    private readonly Statement record, manifest, manifests, isDead, isDamaged, damage, isForeign, live, records, recordsIn, fileOf, begin, commit;

    public IndexReader(string path)
    {
        connection = IndexSchema.Connect(path, writer: false);
        record = new(connection, "SELECT pack, offset, stored FROM records WHERE client = ?1 AND kind = ?2 AND id = ?3");
        manifest = new(connection, "SELECT id FROM manifests WHERE client = ?1 AND version = ?2");
        manifests = new(connection, "SELECT version, id FROM manifests WHERE client = ?1 AND version > ?2 ORDER BY version LIMIT ?3");
        isDead = new(connection, "SELECT 1 FROM dead WHERE client = ?1 AND kind = ?2 AND id = ?3");
        isForeign = new(connection, "SELECT 1 FROM damage WHERE pack = ?1 AND what = ?2");
        live = new(connection, "SELECT pack, SUM(stored + ?1) FROM records GROUP BY pack");
        records = new(connection, "SELECT kind, id, pack, offset, stored FROM records WHERE client = ?1 AND (kind, id) > (?2, ?3) ORDER BY kind, id LIMIT ?4");
        recordsIn = new(connection, "SELECT client, kind, id, offset, stored FROM records WHERE pack = ?1 AND offset >= ?2 AND offset < ?3");
        fileOf = new(connection, "SELECT path FROM manifests WHERE client = ?1 AND version = ?2");
        isDamaged = new(connection, "SELECT pack, offset FROM damage WHERE client = ?1 AND kind = ?2 AND id = ?3 AND what <> ?4");
        damage = new(connection, "SELECT pack, offset, bytes, what, client, kind, id FROM damage ORDER BY pack, offset LIMIT ?1");
        begin = new(connection, "BEGIN");
        commit = new(connection, "COMMIT");
    }

    /// <summary>Many questions in one transaction cost a third of what they cost one by one.</summary>
    public void Begin() => begin.Reset().Run();

    public void End() => commit.Reset().Run();

    public RecordLocation Find(int client, in RecordKey key)
    {
        record.Reset().Bind(1, client).Bind(2, (int)key.Kind).Bind(3, key.Id);
        var found = record.Step() ? new RecordLocation(key, record.Int32(0), record.Int64(1), record.Int32(2)) : new RecordLocation(key, 0, 0, 0);
        record.Reset();
        return found;
    }

    public ChunkId? FindManifest(int client, long version)
    {
        manifest.Reset().Bind(1, client).Bind(2, version);
        ChunkId? found = manifest.Step() ? new ChunkId(manifest.Blob(0)) : null;
        manifest.Reset();
        return found;
    }

    /// <summary>Whether a sweep found this record referenced by nothing.</summary>
    public bool IsDead(int client, in RecordKey key)
    {
        isDead.Reset().Bind(1, client).Bind(2, (int)key.Kind).Bind(3, key.Id);
        var found = isDead.Step();
        isDead.Reset();
        return found;
    }

    /// <summary>The next versions behind this one.</summary>
    public List<(long Version, ChunkId Id)> ManifestsAfter(int client, long version, int limit)
    {
        var found = new List<(long, ChunkId)>();
        manifests.Reset().Bind(1, client).Bind(2, version).Bind(3, limit);
        while (manifests.Step())
            found.Add((manifests.Int64(0), new ChunkId(manifests.Blob(1))));
        manifests.Reset();
        return found;
    }

    /// <summary>The next records of a client behind this one.</summary>
    public List<RecordLocation> RecordsAfter(int client, in RecordKey key, int limit)
    {
        var found = new List<RecordLocation>();
        records.Reset().Bind(1, client).Bind(2, (int)key.Kind).Bind(3, key.Id).Bind(4, limit);
        while (records.Step())
        {
            found.Add(new RecordLocation(new RecordKey(key.Client, (RecordKind)records.Int32(0), new ChunkId(records.Blob(1))),
                records.Int32(2), records.Int64(3), records.Int32(4)));
        }
        records.Reset();
        return found;
    }

    /// <summary>What is indexed within a stretch of a pack. A look at all rows: asked only where something is damaged.</summary>
    public List<(int Client, RecordKind Kind, ChunkId Id, long Offset, int StoredBytes)> RecordsIn(int pack, long from, long to)
    {
        var found = new List<(int, RecordKind, ChunkId, long, int)>();
        recordsIn.Reset().Bind(1, pack).Bind(2, from).Bind(3, to);
        while (recordsIn.Step())
            found.Add((recordsIn.Int32(0), (RecordKind)recordsIn.Int32(1), new ChunkId(recordsIn.Blob(2)), recordsIn.Int64(3), recordsIn.Int32(4)));
        recordsIn.Reset();
        return found;
    }

    /// <summary>The file that a version is of.</summary>
    public string? PathOf(int client, long version)
    {
        fileOf.Reset().Bind(1, client).Bind(2, version);
        var found = fileOf.Step() ? fileOf.Text(0) : null;
        fileOf.Reset();
        return found;
    }

    /// <summary>How many bytes of each pack are records that are indexed.</summary>
    public Dictionary<int, long> LiveBytes()
    {
        var found = new Dictionary<int, long>();
        live.Reset().Bind(1, RecordHeader.LengthBytes);
        while (live.Step())
            found.Add(live.Int32(0), live.Int64(1));
        live.Reset();
        return found;
    }

    /// <summary>Whether the pack is another node's, and none of ours to touch.</summary>
    public bool IsForeign(int pack)
    {
        isForeign.Reset().Bind(1, pack).Bind(2, (int)DamageKind.Foreign);
        var found = isForeign.Step();
        isForeign.Reset();
        return found;
    }

    /// <summary>Whether such a record was stored and is damaged now.</summary>
    public bool IsDamaged(in RecordKey key)
    {
        Span<byte> client = stackalloc byte[ClientId.LengthBytes];
        key.Client.Write(client);
        isDamaged.Reset().Bind(1, client).Bind(2, (int)key.Kind).Bind(3, key.Id).Bind(4, (int)DamageKind.Unfinished);
        var found = isDamaged.Step();
        isDamaged.Reset();
        return found;
    }

    public List<Damage> Damage(int limit)
    {
        var found = new List<Damage>();
        damage.Reset().Bind(1, limit);
        while (damage.Step())
        {
            RecordKey? key = damage.IsNull(4) ? null : new RecordKey(ClientId.Read(damage.Blob(4)), (RecordKind)damage.Int32(5), new ChunkId(damage.Blob(6)));
            found.Add(new Damage((DamageKind)damage.Int32(3), damage.Int32(0), damage.Int64(1), damage.Int64(2), key));
        }
        damage.Reset();
        return found;
    }

    public void Dispose()
    {
        foreach (var statement in (Statement[])[record, manifest, manifests, isDead, isDamaged, damage, isForeign, live, records, recordsIn, fileOf, begin, commit])
            statement.Dispose();
        connection.Dispose();
    }
}
