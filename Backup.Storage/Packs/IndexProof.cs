using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace Backup.Storage.Packs;

/// <summary>
/// A sum over the hashes of all rows, kept in the same transaction as the rows. SQLite has no checksum on its pages:
/// a flipped bit in an id would make a stored chunk look missing, and nothing would say so. At each start the rows are
/// read once (a million in about a second) and must give the same sum.
/// </summary>
internal struct IndexProof
{
    public long Rows;
    public ulong Sum;

    /// <summary>The tables, so that equal numbers in different ones differ.</summary>
    private enum Table : byte
    {
        Client = 1,
        Record = 2,
        Manifest = 3,
        Pack = 4,
        Damage = 5,
        Dead = 6,
    }

    public void Add(ulong row)
    {
        Rows++;
        Sum += row;
    }

    public void Remove(ulong row)
    {
        Rows--;
        Sum -= row;
    }

    public static ulong OfClient(int number, ReadOnlySpan<byte> id) => Hash(Table.Client, [number], id);

    public static ulong OfRecord(int client, int kind, ReadOnlySpan<byte> id, int pack, long offset, int stored) =>
        Hash(Table.Record, [client, kind, pack, offset, stored], id);

    public static ulong OfManifest(int client, long version, string path, ReadOnlySpan<byte> id) =>
        Hash(Table.Manifest, [client, version, (long)XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(path))], id);

    public static ulong OfPack(in PackRow row) => Hash(Table.Pack, [row.Number, (long)row.State, row.Length, row.Watermark, row.VerifiedMs], default);

    public static ulong OfDamage(int pack, long offset, long bytes, int what, ReadOnlySpan<byte> client, int kind, ReadOnlySpan<byte> id) =>
        Hash(Table.Damage, [pack, offset, bytes, what, kind, client.IsEmpty ? 0 : (long)XxHash3.HashToUInt64(client)], id);

    public static ulong OfDead(int client, int kind, ReadOnlySpan<byte> id, long sweep, long since) => Hash(Table.Dead, [client, kind, sweep, since], id);

    private static ulong Hash(Table table, ReadOnlySpan<long> numbers, ReadOnlySpan<byte> blob)
    {
        // One tag, at most six numbers, at most one 32-byte id.
        Span<byte> row = stackalloc byte[1 + 6 * sizeof(long) + 32];
        row[0] = (byte)table;
        var at = 1;
        foreach (var number in numbers)
        {
            BinaryPrimitives.WriteInt64LittleEndian(row[at..], number);
            at += sizeof(long);
        }
        // A blob of a wrong length comes from a damaged row: its hash must only differ.
        if (blob.Length > 32)
            return ~0UL;
        blob.CopyTo(row[at..]);
        return XxHash3.HashToUInt64(row[..(at + blob.Length)]);
    }
}

/// <summary>What may be done with a pack. The numbers are written to the index: never reuse one.</summary>
internal enum PackState
{
    /// <summary>Being appended to, or was when the process ended.</summary>
    Open = 1,

    /// <summary>Full and closed with a seal.</summary>
    Sealed = 2,

    /// <summary>Closed without a seal, after a failure or a crash: never appended to again.</summary>
    Retired = 3,

    /// <summary>Compacted: nothing in it counts, and its file is deleted, or will be at the next start.</summary>
    Removed = 4,
}

/// <param name="Length">Bytes of the file that count, the seal included.</param>
/// <param name="Watermark">Everything before it is indexed, or known to need no index.</param>
/// <param name="VerifiedMs">When it was begun, or when its last scrub began: what is indexed of it was found good since. Unix milliseconds; 0 when setting a row keeps what is known.</param>
internal readonly record struct PackRow(int Number, PackState State, long Length, long Watermark, long VerifiedMs = 0);
