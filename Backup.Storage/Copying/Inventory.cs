using Backup.Protocol;
using Backup.Storage.Packs;

namespace Backup.Storage.Copying;

/// <summary>What this node holds, in pages.</summary>
public sealed class Inventory(PackStore store)
{
    /// <summary>The next versions in the order of clients and versions. One whose manifest cannot be read is left out: nothing is known of it.</summary>
    public async Task<HeldReply> PageAsync(HeldRequest request, CancellationToken ct)
    {
        if (request.Limit is < 1 or > Limits.FilesPerCallMax)
            throw Failure.InvalidRequest($"A page has 1 to {Limits.FilesPerCallMax:N0} versions, not {request.Limit}.").Exception();
        var versions = new List<HeldVersion>();
        var seen = 0;
        foreach (var client in store.Index.Clients.OrderBy(client => client.ToString(), StringComparer.Ordinal))
        {
            if (request.Client is { } from && string.CompareOrdinal(client.ToString(), from.ToString()) < 0)
                continue;
            var after = client == request.Client ? request.Version : 0;
            foreach (var (version, _) in store.Index.ManifestsAfter(client, after, request.Limit - seen))
            {
                seen++;
                if (await ReadAsync(client, version, ct) is { } held)
                    versions.Add(held);
                if (seen == request.Limit)
                    return new HeldReply([.. versions], new HeldRequest(client, version, request.Limit));
            }
        }
        return new HeldReply([.. versions], null);
    }

    public LackingReply Lacking(ClientId client, LackingRequest request) => request.Versions.Length <= Limits.FilesPerCallMax
        ? new LackingReply([.. request.Versions.Where(version => store.Index.FindManifest(client, version) is null)])
        : throw Failure.InvalidRequest($"At most {Limits.FilesPerCallMax} versions are asked for at once.").Exception();

    private async Task<HeldVersion?> ReadAsync(ClientId client, long version, CancellationToken ct)
    {
        try
        {
            using var record = await store.ReadManifestAsync(client, version, ct);
            return record is null || store.OpenManifest(record, store.Options.NodeId.Value).Head is not { } head ? null
                : new HeldVersion(client, version, head.Path, head.TimeMs, head.Epoch);
        }
        catch (FailureException e) when (e.Failure.Code is FailureCode.Corrupt or FailureCode.DiskFailed)
        {
            return null;
        }
    }
}
