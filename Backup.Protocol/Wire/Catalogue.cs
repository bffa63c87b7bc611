using System.Text.Json.Serialization;

namespace Backup.Protocol;

/// <summary>One version as the catalogue knows it.</summary>
public sealed record FileVersion(
    RootedPath Path, long Version, VersionKind Kind, long TimeMs, long SizeBytes, ChunkId Digest, long MtimeNs, int Mode, long Epoch, NodeId[] Nodes, int CopiesOwed, string? TraceId = null);

/// <summary>A page of the files that exist, in the byte order of their paths.</summary>
/// <param name="Prefix">Only paths that start with this; empty for all.</param>
/// <param name="After">Only paths after this one; null for the first page.</param>
/// <param name="Limit">1 to <see cref="Limits.ListPageMax"/>.</param>
/// <param name="AsOfMs">As it was at this time, Unix milliseconds; null for now.</param>
/// <param name="OneLevel">Of each folder below the prefix only its first file, which shows that the folder is there.</param>
public sealed record ListRequest(
    string Prefix, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? After, int Limit, long? AsOfMs = null, bool OneLevel = false);

/// <param name="Next">Pass it as <see cref="ListRequest.After"/> for the next page; null when this was the last.</param>
/// <param name="Sequence">Changes whenever a version of this client is committed: what was listed under the same number is still true.</param>
public sealed record ListReply(FileVersion[] Files, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Next, long Sequence);

/// <summary>Asks for named files.</summary>
/// <param name="AsOfMs">As they were at this time; null for now.</param>
public sealed record LookupRequest(RootedPath[] Paths, long? AsOfMs = null);

/// <param name="Files">In the order of the request; null where there is no such file, or it was deleted.</param>
public sealed record LookupReply(FileVersion?[] Files, NodeRef[] Nodes);

public sealed record VersionsRequest(RootedPath Path);

/// <param name="Versions">Oldest first, tombstones included; empty when the path was never stored.</param>
public sealed record VersionsReply(FileVersion[] Versions);
