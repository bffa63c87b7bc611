using Backup.Protocol;

namespace Backup.Client;

/// <summary>The key file of a client in the cluster: an ordinary file with versions and copies, under the one name that is not encrypted.</summary>
/// <param name="cluster">A connection that neither encrypts nor refuses.</param>
internal sealed class StoredKey(ClusterConnection cluster)
{
    /// <summary>Whoever may store may also store a bad one. So many are looked at for a good one.</summary>
    private const int VersionsLookedAt = 20;

    /// <summary>The newest that is one, or a version that is named.</summary>
    /// <exception cref="FailureException">There is none.</exception>
    public async Task<(KeyFile File, FileVersion Version)> ReadAsync(long? version, CancellationToken ct)
    {
        var all = (await cluster.AskAsync(node => node.VersionsAsync(cluster.Client, new VersionsRequest(EncryptedClients.KeyPath), ct), ct)).Versions;
        foreach (var stored in all.Reverse().Where(v => v.Kind == VersionKind.File && (version is null || v.Version == version)).Take(VersionsLookedAt))
        {
            if (stored.SizeBytes <= KeyFile.BytesMax && await ReadAsync(stored, ct) is { } file)
                return (file, stored);
        }
        throw all.Length == 0
            ? new Failure(FailureCode.NotFound, $"Client {cluster.Client} does not encrypt: no key is stored for it.", "client", "Encryption begins with `init --encrypt`, before anything is stored.").Exception()
            : new Failure(FailureCode.KeyNeeded, "What is stored as the client's key is none.", "client", "Pass --version N for an earlier one; they are counted up from 1 over all files.").Exception();
    }

    public async Task WriteAsync(KeyFile file, CancellationToken ct)
    {
        var bytes = file.ToBytes();
        var mtimeNs = cluster.Time.GetUtcNow().ToUnixTimeMilliseconds() * 1_000_000;
        var source = new SourceFile(EncryptedClients.KeyPath, VersionKind.File, bytes.Length, mtimeNs, 0b110_000_000, null, () => new MemoryStream(bytes));
        await foreach (var result in new Uploader(cluster, new TransferCounters()).UploadAsync([source], ct))
        {
            if (result.Failure is { } failure)
                throw failure.Exception();
        }
    }

    private async Task<KeyFile?> ReadAsync(FileVersion version, CancellationToken ct)
    {
        using var content = new MemoryStream();
        var target = new OutputTarget(content);
        await new Restorer(cluster, new TransferCounters()).RestoreAsync([version], target, ct);
        return target.Failure is { } failure ? throw failure.Exception() : KeyFile.TryParse(content.ToArray(), cluster.Client);
    }
}
