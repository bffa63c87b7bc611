using System.Diagnostics;
using Backup.Protocol;
using Backup.Storage.Membership;
using Backup.Storage.Packs;
using Backup.Storage.Primary;

namespace Backup.Storage.Copying;

/// <summary>
/// Copies versions that this node holds to another one, for the manager. All that are readable travel together; what is damaged
/// here is left out, and never copied onwards.
/// </summary>
public sealed class CopyRound(PackStore store, Peers peers, VersionCopy copy)
{
    public async Task<CopyReply> RunAsync(ClientId client, CopyRequest request, CancellationToken ct)
    {
        if (request.Versions.Length > Limits.FilesPerCallMax)
            throw Failure.InvalidRequest($"At most {Limits.FilesPerCallMax} versions are copied at once.").Exception();
        if (request.To == peers.Self || request.To.Value is null || request.Nodes.Length is 0 or > Limits.CopiesMax || !request.Nodes.Contains(request.To))
            throw Failure.InvalidRequest($"Node {peers.Self} is to copy to another node, which is among those that hold the version afterwards.").Exception();
        using var span = Telemetry.Source.StartActivity("copy for repair");
        span?.SetTag("backup.node", request.To.Value);
        var (manifests, failure) = await ReadAsync(client, request, ct);
        try
        {
            var bytes = await copy.CopyAsync(client, manifests, request.To, request.Nodes, request.Epoch, ct);
            return new CopyReply([.. manifests.Select(manifest => manifest.Head.Version)], bytes, failure);
        }
        catch (FailureException e) when (manifests.Count > 1 && e.Failure.Code is FailureCode.Corrupt or FailureCode.DiskFailed or FailureCode.MissingChunks or FailureCode.InvalidRequest)
        {
            // One of them is at fault: the others are copied without it.
            return await OneByOneAsync(client, manifests, request, ct);
        }
    }

    /// <summary>The manifests as they shall be there.</summary>
    private async Task<(List<Manifest> Manifests, Failure? Failure)> ReadAsync(ClientId client, CopyRequest request, CancellationToken ct)
    {
        var (manifests, failure) = (new List<Manifest>(request.Versions.Length), default(Failure));
        foreach (var version in request.Versions)
        {
            try
            {
                using var record = await store.ReadManifestAsync(client, version, ct) ?? throw Failure.NotFound($"Version {version} on node {peers.Self}").Exception();
                var manifest = store.OpenManifest(record, peers.Self.Value);
                manifests.Add(manifest with { Head = manifest.Head with { Nodes = request.Nodes, Epoch = request.Epoch } });
            }
            catch (FailureException e)
            {
                failure = e.Failure;
            }
        }
        return (manifests, failure);
    }

    private async Task<CopyReply> OneByOneAsync(ClientId client, List<Manifest> manifests, CopyRequest request, CancellationToken ct)
    {
        var (copied, bytes, failure) = (new List<long>(), 0L, default(Failure));
        foreach (var manifest in manifests)
        {
            try
            {
                bytes += await copy.CopyAsync(client, [manifest], request.To, request.Nodes, request.Epoch, ct);
                copied.Add(manifest.Head.Version);
            }
            catch (FailureException e)
            {
                failure = e.Failure;
            }
        }
        return new CopyReply([.. copied], bytes, failure);
    }
}
