using System.Globalization;
using Backup.Protocol;
using Backup.ServiceDefaults;
using Backup.Storage.Membership;
using Backup.Storage.Reading;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;

namespace Backup.Storage.Gateway;

/// <summary>
/// Files for plain HTTP tools: `curl -T report.pdf http://node/files/report.pdf`. The gateway is then the client and runs
/// steps ① to ⑥ itself, with the same code the client uses. A token says whose files they are; without one, where that is allowed,
/// they are the guest's. A client that encrypts is refused: only its own machine has the key.
/// </summary>
public static class FilesEndpoints
{
    public static void MapFiles(this IEndpointRouteBuilder app)
    {
        app.MapPut(Routes.Files, PutAsync).WithMetadata(new DisableRequestSizeLimitAttribute()).Demand(Scope.Append);
        app.MapGet(Routes.Files, GetAsync).Demand(Scope.Read);
        app.MapDelete(Routes.Files, DeleteAsync).Demand(Scope.Delete);
    }

    private static async Task<IResult> PutAsync(
        HttpContext http, string path, [FromServices] Peers peers, [FromServices] IOptions<NodeOptions> options, [FromServices] EncryptedClients encrypted, [FromServices] TimeProvider time, CancellationToken ct)
    {
        var body = http.Request.Body;
        var taken = 0;
        var source = new SourceFile(SentPath.Parse(http, path), VersionKind.File, http.Request.ContentLength ?? -1, NowNs(time), Mode: 0, LinkTarget: null,
            () => Interlocked.Exchange(ref taken, 1) == 0 ? body : throw new IOException("its upload cannot be read twice; send it again"));
        return Results.Created((string?)null, await UploadAsync(source, http, peers, options.Value, encrypted, ct));
    }

    private static async Task<IResult> DeleteAsync(
        HttpContext http, string path, [FromServices] Peers peers, [FromServices] IOptions<NodeOptions> options, [FromServices] EncryptedClients encrypted, [FromServices] TimeProvider time, CancellationToken ct) =>
        Results.Ok(await UploadAsync(new SourceFile(SentPath.Parse(http, path), VersionKind.Tombstone, 0, NowNs(time), 0, null, null), http, peers, options.Value, encrypted, ct));

    private static async Task GetAsync(
        HttpContext http, string path, [FromServices] Peers peers, [FromServices] ICatalogue catalogue, [FromServices] IOptions<NodeOptions> options, [FromServices] EncryptedClients encrypted, CancellationToken ct)
    {
        var client = http.Client();
        await encrypted.RefuseAsync(catalogue, client, ct);
        var found = (await catalogue.LookupAsync(client, new LookupRequest([SentPath.Parse(http, path)]), ct)).Files[0];
        if (found is not { Kind: VersionKind.File })
            throw Failure.NotFound($"'{RootedPath.Escape(path)}'").Exception();
        var target = new ResponseTarget(http.Response);
        await new Restorer(Connection(client, peers, options.Value, encrypted), new TransferCounters()).RestoreAsync([found], target, ct);
        if (target.Failure is null)
            return;
        if (http.Response.HasStarted)
            http.Abort(); // A body cut short is the only way left to say that it is not whole.
        else
            throw target.Failure.Exception();
    }

    private static async Task<Receipt> UploadAsync(SourceFile source, HttpContext http, Peers peers, NodeOptions options, EncryptedClients encrypted, CancellationToken ct)
    {
        await foreach (var result in new Uploader(Connection(http.Client(), peers, options, encrypted), new TransferCounters()).UploadAsync([source], ct))
            return result.Receipt ?? throw result.Failure!.Exception();
        throw new InvalidOperationException("An upload of one file ended without a result.");
    }

    /// <summary>To the cluster through this very node, over its own address: one way in for everybody. The node vouches for whom it has let in.</summary>
    private static ClusterConnection Connection(ClientId client, Peers peers, NodeOptions options, EncryptedClients encrypted) =>
        new([options.Address!], client, peers.Connections) { Encrypted = encrypted };

    private static long NowNs(TimeProvider time) => time.GetUtcNow().ToUnixTimeMilliseconds() * 1_000_000;

    /// <summary>Writes one version out as a response.</summary>
    private sealed class ResponseTarget(HttpResponse response) : IRestoreTarget
    {
        public Failure? Failure { get; private set; }

        public Stream? Begin(FileVersion version, ManifestHead head)
        {
            response.ContentType = "application/octet-stream";
            response.ContentLength = version.SizeBytes;
            response.Headers.ETag = $"\"{version.Digest}\"";
            response.Headers.LastModified = DateTimeOffset.FromUnixTimeMilliseconds(version.MtimeNs / 1_000_000).ToString("R", CultureInfo.InvariantCulture);
            return new ReadInTime(response); // Disposing it is allowed: the server ends the response itself.
        }

        public void Complete(FileVersion version, ManifestHead head)
        {
        }

        public void Failed(FileVersion version, Failure failure) => Failure = failure;
    }
}
