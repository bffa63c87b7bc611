using Backup.Protocol;

namespace Backup.Client;

/// <summary>The digest a version has, found out by reading content that lies here.</summary>
internal static class DigestOf
{
    /// <summary>Reads the stream to its end and disposes it.</summary>
    /// <param name="expectedBytes">A guess, for the size of the buffer.</param>
    public static async Task<ChunkId> StreamAsync(Stream source, ClusterConnection cluster, long expectedBytes, CancellationToken ct)
    {
        await using var chunks = new FileChunks(source, cluster.Client, expectedBytes, cluster.Cipher);
        using var digest = new ContentDigest();
        while (await chunks.NextAsync(ct) is { } chunk)
        {
            digest.Add(chunk.Header.Id);
            chunk.Dispose();
        }
        return digest.Finish();
    }
}
