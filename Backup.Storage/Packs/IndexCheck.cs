using Backup.Protocol;
using Microsoft.Data.Sqlite;

namespace Backup.Storage.Packs;

/// <summary>Reads every row of an index once and compares it with the proof; loads what the writer keeps in memory.</summary>
internal static class IndexCheck
{
    /// <returns>False when the rows are not those that were written.</returns>
    public static bool Load(SqliteConnection connection, IndexWriter into)
    {
        var seen = default(IndexProof);
        Clients(connection, into, ref seen);
        Packs(connection, into, ref seen);
        Records(connection, ref seen);
        Manifests(connection, ref seen);
        Damage(connection, into, ref seen);
        Dead(connection, into, ref seen);

        using var proof = new Statement(connection, "SELECT rows, sum FROM proof");
        if (!proof.Step() || proof.Int64(0) != seen.Rows || (ulong)proof.Int64(1) != seen.Sum)
            return false;
        into.Proof = seen;
        return true;
    }

    private static void Clients(SqliteConnection connection, IndexWriter into, ref IndexProof seen)
    {
        using var clients = new Statement(connection, "SELECT number, id FROM clients");
        while (clients.Step())
        {
            seen.Add(IndexProof.OfClient(clients.Int32(0), clients.Blob(1)));
            if (clients.Blob(1).Length == ClientId.LengthBytes)
                into.Clients[ClientId.Read(clients.Blob(1))] = clients.Int32(0);
        }
    }

    private static void Packs(SqliteConnection connection, IndexWriter into, ref IndexProof seen)
    {
        using var packs = new Statement(connection, "SELECT number, state, length, watermark, verified FROM packs");
        while (packs.Step())
        {
            var row = new PackRow(packs.Int32(0), (PackState)packs.Int32(1), packs.Int64(2), packs.Int64(3), packs.Int64(4));
            seen.Add(IndexProof.OfPack(row));
            into.Packs[row.Number] = row;
        }
    }

    private static void Records(SqliteConnection connection, ref IndexProof seen)
    {
        // In the order of the key, so that a row in a wrong place, where no question would find it, is noticed.
        using var records = new Statement(connection, "SELECT client, kind, id, pack, offset, stored FROM records ORDER BY client, kind, id");
        var (lastClient, lastKind, last) = (0L, 0L, default(ChunkId));
        while (records.Step())
        {
            var (client, kind) = (records.Int64(0), records.Int64(1));
            var id = records.Blob(2);
            seen.Add(IndexProof.OfRecord((int)client, (int)kind, id, records.Int32(3), records.Int64(4), records.Int32(5)));
            var order = client != lastClient ? client.CompareTo(lastClient) : kind != lastKind ? kind.CompareTo(lastKind) : id.SequenceCompareTo(last);
            if (order <= 0 || id.Length != ChunkId.LengthBytes)
                seen.Rows = long.MinValue; // no proof has that many
            (lastClient, lastKind) = (client, kind);
            if (id.Length == ChunkId.LengthBytes)
                last = new ChunkId(id);
        }
    }

    private static void Manifests(SqliteConnection connection, ref IndexProof seen)
    {
        using var manifests = new Statement(connection, "SELECT client, version, path, id FROM manifests ORDER BY client, version");
        var (lastClient, lastVersion) = (0L, 0L);
        while (manifests.Step())
        {
            var (client, version) = (manifests.Int64(0), manifests.Int64(1));
            seen.Add(IndexProof.OfManifest((int)client, version, manifests.Text(2), manifests.Blob(3)));
            if (client < lastClient || (client == lastClient && version <= lastVersion))
                seen.Rows = long.MinValue;
            (lastClient, lastVersion) = (client, version);
        }
    }

    private static void Dead(SqliteConnection connection, IndexWriter into, ref IndexProof seen)
    {
        using var dead = new Statement(connection, "SELECT client, kind, id, sweep, since FROM dead");
        while (dead.Step())
        {
            seen.Add(IndexProof.OfDead(dead.Int32(0), dead.Int32(1), dead.Blob(2), dead.Int64(3), dead.Int64(4)));
            into.Dead.Loaded(dead.Int64(3));
        }
    }

    private static void Damage(SqliteConnection connection, IndexWriter into, ref IndexProof seen)
    {
        using var damage = new Statement(connection, "SELECT pack, offset, bytes, what, client, kind, id FROM damage");
        while (damage.Step())
        {
            seen.Add(IndexProof.OfDamage(damage.Int32(0), damage.Int64(1), damage.Int64(2), damage.Int32(3), damage.Blob(4), (int)damage.Int64(5), damage.Blob(6)));
            into.DamageRows++;
        }
    }
}
