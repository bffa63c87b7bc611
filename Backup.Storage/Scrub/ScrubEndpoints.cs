using Backup.Protocol;
using Backup.ServiceDefaults;
using Backup.Storage.Packs;
using Backup.Storage.Reading;
using Microsoft.AspNetCore.Mvc;

namespace Backup.Storage.Scrub;

/// <summary>What nodes ask of each other about the copies they hold.</summary>
public static class ScrubEndpoints
{
    /// <summary>256 ids of 64 digits take 18 KB.</summary>
    private const long RecordsRequestBytesMax = 32 << 10;

    public static void MapScrub(this IEndpointRouteBuilder app) =>
        app.MapPost(Routes.Records, RecordsAsync).WithMetadata(new RequestSizeLimitAttribute(RecordsRequestBytesMax)).Demand(Scope.Peer);

    /// <summary>Sends those of the wanted records that are here and good. What turns out to be damaged is repaired from whoever has it.</summary>
    private static async Task RecordsAsync(
        HttpContext http, [FromBody] RecordsRequest request, [FromServices] PackStore store, [FromServices] DamagedVersions damaged, CancellationToken ct)
    {
        if (request.Lists.Length + request.Chunks.Length > RecordsRequest.RecordsMax)
            throw Failure.InvalidRequest($"At most {RecordsRequest.RecordsMax} records are asked for at once.").Exception();
        var client = http.Client();
        http.Response.ContentType = "application/octet-stream";
        var body = new ReadInTime(http.Response);
        if (request.Manifest)
            await SendAsync(() => store.ReadManifestAsync(client, request.Version, ct));
        foreach (var list in request.Lists)
            await SendAsync(() => store.ReadAsync(client, RecordKind.List, list, ct));
        foreach (var chunk in request.Chunks)
            await SendAsync(() => store.ReadAsync(client, RecordKind.Chunk, chunk, ct));

        async Task SendAsync(Func<ValueTask<Record?>> read)
        {
            try
            {
                using var record = await read();
                if (record is not null)
                    await body.WriteAsync(record.Bytes, ct);
            }
            catch (FailureException e) when (e.Failure.Code is FailureCode.Corrupt or FailureCode.DiskFailed)
            {
                damaged.Add(client, request.Version);
            }
        }
    }
}
