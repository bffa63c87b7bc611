using System.ComponentModel.DataAnnotations;
using Backup.Protocol;

namespace Backup.Storage;

/// <summary>What a node is told at its start: section `Node` of the configuration.</summary>
public sealed class NodeOptions
{
    public const string Section = "Node";

    /// <summary>Its stable name, for example node-1.</summary>
    [Required]
    public string Id { get; set; } = "";

    /// <summary>Where its packs and its index lie. Belongs to this node alone.</summary>
    [Required]
    public string DataDirectory { get; set; } = "";

    /// <summary>Where clients and other nodes reach it.</summary>
    [Required]
    public Uri? Address { get; set; }

    /// <summary>The failure zone, for example a room or a rack; copies go to different ones.</summary>
    public string? Zone { get; set; }

    /// <summary>Kept free on its disk, so that the index, deletions and repair go on when it is full.</summary>
    [Range(0, long.MaxValue)]
    public long ReserveBytes { get; set; } = 256 << 20;

    /// <summary>
    /// How long content that no version needs stays: longer than an upload may take from its first question about missing
    /// chunks to its manifest. A day is longer than any that is still watched.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "365.00:00:00")]
    public TimeSpan GraceTime { get; set; } = TimeSpan.FromDays(1);

    /// <summary>Within this every pack is read and checked. A month is what disks that rot slowly leave time for; tests set seconds.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "3650.00:00:00")]
    public TimeSpan ScrubInterval { get; set; } = TimeSpan.FromDays(30);

    /// <summary>How long it rests between two rounds of collection: each looks at every manifest.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "365.00:00:00")]
    public TimeSpan CollectInterval { get; set; } = TimeSpan.FromMinutes(10);

    public NodeId NodeId => NodeId.Parse(Id);
}
