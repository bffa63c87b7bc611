namespace Backup.Protocol;

/// <summary>A place in a node's inventory, which is in the order of client ids and, within a client, of versions.</summary>
public sealed record InventoryPlace(ClientId Client, long Version);

/// <summary>Asks a node what it holds.</summary>
/// <param name="Limit">1 to <see cref="Limits.ListPageMax"/>.</param>
/// <param name="After">Only what follows this place; null from the beginning.</param>
public sealed record InventoryRequest(int Limit, InventoryPlace? After = null);

/// <summary>A version that the node holds, by its manifest.</summary>
/// <param name="FirstChunk">The id of its first chunk where it has any.</param>
/// <param name="IsPartial">Some of its chunks are lacking here: the copy counts only where nobody has a whole one.</param>
public sealed record HeldManifest(ClientId Client, ManifestHead Head, ChunkId? FirstChunk = null, bool IsPartial = false);

/// <summary>The named moments of a client, for a node to keep.</summary>
/// <param name="Moments">Grows whenever they change: of several states the one with the highest counts.</param>
public sealed record ClientMoments(ClientId Client, long Moments, Snapshot[] Snapshots);

/// <param name="Next">Pass it as <see cref="InventoryRequest.After"/>; null when this was the end.</param>
/// <param name="Moments">With the first page only: what the node keeps of all clients.</param>
public sealed record InventoryReply(HeldManifest[] Held, InventoryPlace? Next = null, ClientMoments[]? Moments = null);
