using Backup.Protocol;

namespace Backup.Storage.Packs;

/// <summary>Where a node's packs lie and how large they grow.</summary>
public sealed record PackStoreOptions
{
    public required string Directory { get; init; }

    public required NodeId NodeId { get; init; }

    /// <summary>Kept free on the disk, so that the index, deletions and repair go on when it is full.</summary>
    public long ReserveBytes { get; init; }

    /// <summary>A pack is closed here and the next begun: small enough to be rewritten in a second, large enough to keep a TiB at some thousand files.</summary>
    public long PackBytesMax { get; init; } = 256 << 20;
}

/// <summary>Where a record lies.</summary>
/// <param name="Offset">Of its header, in bytes from the pack's start.</param>
/// <param name="Bytes">Header and payload.</param>
public readonly record struct RecordLocation(int Pack, long Offset, int Bytes);

/// <summary>Bytes of a pack that are not what was written.</summary>
/// <param name="What">The record, or what else is known of the place.</param>
public sealed record Damage(int Pack, long Offset, string What);
