namespace Backup.Protocol;

/// <summary>A node asks another that holds the same version for what it lacks of it.</summary>
/// <param name="Manifest">Whether the version's manifest is wanted.</param>
/// <param name="Lists">With <paramref name="Chunks"/> at most <see cref="RecordsMax"/>.</param>
public sealed record RecordsRequest(long Version, bool Manifest, ChunkId[] Lists, ChunkId[] Chunks)
{
    /// <summary>Records asked for at once: some 16 MiB, which arrive one by one.</summary>
    public const int RecordsMax = 256;
}
