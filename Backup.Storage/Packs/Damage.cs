using Backup.Protocol;

namespace Backup.Storage.Packs;

/// <summary>What is wrong with a place in a pack. The numbers are written to the index: never reuse one.</summary>
public enum DamageKind
{
    /// <summary>A record's header is whole, its payload fails its checksum.</summary>
    Payload = 1,

    /// <summary>Bytes that are no record, between records or before the pack's known end.</summary>
    Bytes = 2,

    /// <summary>
    /// Bytes that are no whole record at a place never acknowledged, as far as the node knows: a write cut short by a crash.
    /// They hold nothing that is missed. After the loss of the index too, damage at a pack's very end can look the same.
    /// </summary>
    Unfinished = 3,

    /// <summary>The pack's own header is damaged; its records speak for themselves and are used.</summary>
    PackHeader = 4,

    /// <summary>The pack belongs to another node or incarnation, or bears another number; it is not used.</summary>
    Foreign = 5,

    /// <summary>The record was indexed and its pack has vanished or become shorter.</summary>
    Vanished = 6,

    /// <summary>The disk refuses to read it.</summary>
    Unreadable = 7,
}

/// <summary>A damaged place, and what stood there where that is known. It is never served; writing the record anew heals it.</summary>
/// <param name="Pack">The number of the pack file.</param>
/// <param name="Key">The record that stood there.</param>
public sealed record Damage(DamageKind Kind, int Pack, long Offset, long Bytes, RecordKey? Key = null)
{
    /// <summary>Whether something that was stored is missed.</summary>
    public bool IsLoss => Kind is not (DamageKind.Unfinished or DamageKind.PackHeader);
}

/// <summary>What names a record within a node.</summary>
public readonly record struct RecordKey(ClientId Client, RecordKind Kind, ChunkId Id)
{
    public static RecordKey Of(in RecordHeader header) => new(header.Client, header.Kind, header.Id);

    public override string ToString() => $"{Kind} {Id} of client {Client}";
}

/// <summary>Where a record lies. A location stays true for as long as the pack exists.</summary>
/// <param name="Pack">The number of the pack file, 0 when the record is not held.</param>
public readonly record struct RecordLocation(RecordKey Key, int Pack, long Offset, int StoredBytes)
{
    public bool IsHeld => Pack != 0;
}
