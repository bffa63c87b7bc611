using Backup.Protocol;
using Backup.ServiceDefaults;
using Backup.Storage.Membership;
using Backup.Storage.Segments;
using Microsoft.AspNetCore.Mvc;

namespace Backup.Storage.Replica;

/// <summary>⑤ The replica's part: takes the segment that the primary passes on, by the same checks, and answers once it is durable.</summary>
public static class ReplicaEndpoints
{
    public static void MapReplica(this IEndpointRouteBuilder app) =>
        app.MapPut(Routes.ReplicaSegments, StoreAsync).WithMetadata(new RequestSizeLimitAttribute(Limits.SegmentBytesMax)).Demand(Scope.Peer);

    private static async Task<StoreReply> StoreAsync(
        HttpContext http, [FromHeader(Name = Headers.Epoch)] long epoch, [FromServices] Peers peers, [FromServices] SegmentReceiver receiver, CancellationToken ct)
    {
        using var step = Step.Begin("⑤ replica").Tag(Tags.Node, peers.Self.Value);
        var nodes = http.Nodes();
        // A copy that repair makes may be the one that becomes the primary's.
        if (!nodes.Contains(peers.Self))
            throw Failure.InvalidRequest($"Node {peers.Self} is none of this placement.").Exception();
        peers.CheckEpoch(epoch);
        using var segment = await receiver.ReceiveAsync(http.Client(), nodes, http.Request.Body, _ => ValueTask.CompletedTask, ct);
        await segment.CommitAsync(ct);
        step.Tag(Tags.Bytes, segment.Bytes).Tag(Tags.Records, segment.Received).Tag(Tags.NewRecords, segment.Appended).Succeed();
        return new StoreReply([peers.Self], segment.Appended, segment.Bytes);
    }
}
