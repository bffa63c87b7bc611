using Backup.Protocol;
using Backup.ServiceDefaults;
using Backup.Storage.Packs;
using Backup.Storage.Scrub;
using Microsoft.AspNetCore.Mvc;

namespace Backup.Storage.Reading;

/// <summary>All that this node holds, page by page, by its manifests: what the metadata is rebuilt from.</summary>
public sealed class NodeInventory(PackStore store, DamagedVersions damaged, KeptMoments moments)
{
    /// <summary>A page whose manifest cannot be read leaves it out: the other copy names it, and this one is repaired from there.</summary>
    public async Task<InventoryReply> PageAsync(InventoryRequest request, CancellationToken ct)
    {
        if (request.Limit is < 1 or > Limits.ListPageMax)
            throw Failure.InvalidRequest($"A page has 1 to {Limits.ListPageMax:N0} versions, not {request.Limit}.").Exception();
        using var codec = new RecordCodec();
        var held = new List<HeldManifest>();
        var seen = 0;
        var kept = request.After is null ? moments.All() : null;
        foreach (var client in store.Index.Clients.OrderBy(client => client.ToString(), StringComparer.Ordinal))
        {
            var order = request.After is { } place ? string.CompareOrdinal(client.ToString(), place.Client.ToString()) : 1;
            if (order < 0)
                continue;
            foreach (var (version, _) in store.Index.ManifestsAfter(client, order == 0 ? request.After!.Version : long.MinValue, request.Limit - seen))
            {
                if (await ReadAsync(client, version, codec, ct) is { } manifest)
                    held.Add(manifest);
                if (++seen == request.Limit)
                    return new InventoryReply([.. held], new InventoryPlace(client, version), kept);
            }
        }
        return new InventoryReply([.. held], null, kept);
    }

    private async Task<HeldManifest?> ReadAsync(ClientId client, long version, RecordCodec codec, CancellationToken ct)
    {
        var node = store.Options.NodeId.Value;
        try
        {
            using var record = await store.ReadManifestAsync(client, version, ct);
            if (record is null)
                return null;
            var manifest = Manifest.Decode(codec.Open(record, node).Span, node);
            ChunkId? first = manifest.Refs is [var part, ..] ? part.Id : null;
            if (manifest.Head.HasLists && first is { } id)
            {
                using var list = await store.ReadAsync(client, RecordKind.List, id, ct);
                first = list is null ? null : ChunkRef.Read(codec.Open(list, node).Span)[0].Id;
            }
            return new HeldManifest(client, manifest.Head, first, store.MayHoldParts && await IsPartialAsync(client, version, ct));
        }
        catch (FailureException e) when (e.Failure.Code is FailureCode.Corrupt or FailureCode.DiskFailed)
        {
            damaged.Add(client, version);
            return null;
        }
    }

    private async Task<bool> IsPartialAsync(ClientId client, long version, CancellationToken ct)
    {
        await foreach (var part in VersionParts.FindAsync(store, client, version, readAll: false, ct))
        {
            if (!part.IsHeld)
                return true;
        }
        return false;
    }
}

/// <summary>What the manager asks a node when it rebuilds the metadata.</summary>
public static class InventoryEndpoints
{
    /// <summary>A client's snapshots: two hundred thousand of them, which watching a root makes in four months when nothing drops any.</summary>
    private const long MomentsBytesMax = 16 << 20;

    public static void MapInventory(this IEndpointRouteBuilder app)
    {
        app.MapPut(Routes.Moments, ([FromBody] ClientMoments kept, [FromServices] KeptMoments moments) => moments.Keep(kept))
            .WithMetadata(new RequestSizeLimitAttribute(MomentsBytesMax)).Demand(Scope.Peer);
        app.MapPost(Routes.Inventory, ([FromBody] InventoryRequest request, [FromServices] NodeInventory inventory, CancellationToken ct) => inventory.PageAsync(request, ct))
            .WithMetadata(new RequestSizeLimitAttribute(1 << 10)).Demand(Scope.Peer);
    }
}
