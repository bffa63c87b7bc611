using Backup.Protocol;

namespace Backup.Storage.Packs;

/// <summary>Where and how a node stores.</summary>
public sealed record PackStoreOptions
{
    /// <summary>256 packs to 64 GiB; small enough that compacting one moves little, large enough that a TiB is 4,096 files.</summary>
    public const long PackBytesDefault = 256L << 20;

    /// <summary>Room for the index to grow and for deletions, on a disk that takes no more data: the index of some ten million records.</summary>
    public const long ReserveBytesDefault = 1L << 30;

    /// <summary>The node's data directory; it is made when it is not there.</summary>
    public required string Directory { get; init; }

    public required NodeId NodeId { get; init; }

    /// <summary>A pack is sealed before it would grow beyond this.</summary>
    public long PackBytesMax { get; init; } = PackBytesDefault;

    /// <summary>Bytes of the file system that are left free.</summary>
    public long ReserveBytes { get; init; } = ReserveBytesDefault;

    /// <summary>What the packs and the identity are written to.</summary>
    public Disk Disk { get; init; } = Disk.Real;
}
