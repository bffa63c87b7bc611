using Backup.Protocol;
using Backup.ServiceDefaults;
using Backup.Storage.Packs;
using Microsoft.AspNetCore.Mvc;

namespace Backup.Storage.Collection;

/// <summary>What the manager asks of a node about versions that nobody needs any more.</summary>
public static class CollectionEndpoints
{
    /// <summary>A thousand versions of at most 20 digits, with commas and some white space between.</summary>
    private const long ForgetRequestBytesMax = 64 << 10;

    public static void MapCollection(this IEndpointRouteBuilder app)
    {
        app.MapPost(Routes.Forget, ForgetAsync).WithMetadata(new RequestSizeLimitAttribute(ForgetRequestBytesMax)).Demand(Scope.Peer);
        app.MapPost(Routes.Collect, CollectAsync).Demand(Scope.Peer);
    }

    private static async Task<ForgetReply> ForgetAsync(HttpContext http, [FromBody] ForgetRequest request, [FromServices] PackStore store, CancellationToken ct) =>
        new(await store.ForgetAsync(http.Client(), request.Versions, ct, request.UpToEpoch));

    private static Task<CollectReply> CollectAsync([FromServices] Collector collector, CancellationToken ct) => collector.CollectAsync(ct);
}
