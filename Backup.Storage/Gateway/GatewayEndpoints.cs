using Backup.Protocol;
using Backup.ServiceDefaults;
using Backup.Storage.Membership;
using Backup.Storage.Primary;
using Backup.Storage.Reading;
using Backup.Storage.Scrub;
using Microsoft.AspNetCore.Mvc;

namespace Backup.Storage.Gateway;

/// <summary>
/// What a client asks of any node. The node that is meant stands first in the request's list of nodes: if it is another
/// than this one, the request is passed on to it as it comes.
/// </summary>
public static class GatewayEndpoints
{
    /// <summary>A restore of 256 versions asks for them in some 10 KB.</summary>
    private const long ReadRequestBytesMax = 1 << 20;

    public static void MapGateway(this IEndpointRouteBuilder app)
    {
        app.MapPost(Routes.Missing, MissingAsync).WithMetadata(new RequestSizeLimitAttribute(ReadRequestBytesMax)).Demand(Scope.Append);
        app.MapPut(Routes.Segments, StoreAsync).WithMetadata(new RequestSizeLimitAttribute(Limits.SegmentBytesMax)).Demand(Scope.Append);
        app.MapPost(Routes.Read, ReadAsync).WithMetadata(new RequestSizeLimitAttribute(ReadRequestBytesMax)).Demand(Scope.Read);
        app.MapPost(Routes.Copies, CopiesAsync).WithMetadata(new RequestSizeLimitAttribute(ReadRequestBytesMax)).Demand(Scope.List);
    }

    private static async Task<CopiesReply> CopiesAsync(
        HttpContext http, [FromBody] CopiesRequest request, [FromServices] Peers peers, [FromServices] CopyStates copies, CancellationToken ct)
    {
        var node = http.Nodes()[0];
        return node == peers.Self
            ? await copies.ReadAsync(http.Client(), request, ct)
            : await ForwardAsync(node, async () => await (await peers.NodeAsync(node, ct)).CopiesAsync(http.Client(), node.Value, request, ct));
    }

    private static async Task<MissingReply> MissingAsync(
        HttpContext http, [FromBody] MissingRequest request, [FromServices] Peers peers, [FromServices] PrimaryStore primary, CancellationToken ct)
    {
        var nodes = http.Nodes();
        return nodes[0] == peers.Self
            ? primary.Missing(http.Client(), request)
            : await ForwardAsync(nodes[0], async () => await (await peers.NodeAsync(nodes[0], ct)).MissingAsync(http.Client(), nodes[0].Value, request, ct));
    }

    private static async Task<StoreReply> StoreAsync(
        HttpContext http, [FromHeader(Name = Headers.Epoch)] long epoch, [FromServices] Peers peers, [FromServices] PrimaryStore primary, CancellationToken ct)
    {
        var nodes = http.Nodes();
        if (nodes[0] == peers.Self)
            return await primary.StoreAsync(http.Client(), nodes, epoch, http.Request.Body, http.Request.ContentLength, ct);
        var content = new StreamContent(http.Request.Body);
        content.Headers.ContentLength = http.Request.ContentLength;
        return await ForwardAsync(nodes[0], async () => await (await peers.NodeAsync(nodes[0], ct)).StoreAsync(http.Client(), string.Join(',', nodes), epoch, content, ct));
    }

    private static async Task ReadAsync(
        HttpContext http, [FromBody] ReadRequest request, [FromServices] Peers peers, [FromServices] VersionSender sender, CancellationToken ct)
    {
        var node = http.Nodes()[0];
        http.Response.ContentType = "application/octet-stream";
        var body = new ReadInTime(http.Response);
        if (node != peers.Self)
        {
            await using var stream = await ForwardAsync(node, async () => await (await peers.NodeAsync(node, ct)).ReadAsync(http.Client(), node.Value, request, ct));
            await stream.CopyToAsync(body, ct);
            return;
        }
        try
        {
            await sender.SendAsync(http.Client(), request, (record, token) => body.WriteAsync(record.Bytes, token), ct);
        }
        catch (FailureException e) when (http.Response.HasStarted)
        {
            using var last = Record.Of(e.Failure, http.Client());
            await body.WriteAsync(last.Bytes, ct);
        }
    }

    /// <summary>A connection knows its peer by address; whoever reads the failure knows it by id.</summary>
    private static async Task<T> ForwardAsync<T>(NodeId node, Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (FailureException e) when (e.Failure.Code == FailureCode.NodeUnreachable && !NodeId.TryParse(e.Failure.Culprit, null, out _))
        {
            throw (e.Failure with { Culprit = node.Value }).Exception(e);
        }
    }
}
