using System.Globalization;
using System.IO.Compression;
using System.Net.Mime;
using Backup.Protocol;
using Backup.WebConsole.Browsing;
using Backup.WebConsole.SigningIn;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Backup.WebConsole.Transfers;

/// <summary>One version as it is, or a folder as a zip that is written while it is read. A transfer that cannot be completed is cut off, so that nothing looks whole that is not.</summary>
public static class DownloadEndpoints
{
    public const string FilePath = "/console/download";
    public const string ZipPath = "/console/zip";

    public static string File(FileVersion version) =>
        string.Create(CultureInfo.InvariantCulture, $"{FilePath}?path={Uri.EscapeDataString(version.Path.Value)}&version={version.Version}");

    public static string Zip(string folder, long? asOfMs) =>
        string.Create(CultureInfo.InvariantCulture, $"{ZipPath}?folder={Uri.EscapeDataString(folder)}{(asOfMs is { } at ? $"&at={at}" : "")}");

    public static void MapDownloads(this IEndpointRouteBuilder app)
    {
        app.MapGet(FilePath, FileAsync).DemandSignIn();
        app.MapGet(ZipPath, ZipAsync).DemandSignIn();
    }

    private static async Task FileAsync(
        HttpContext http, string path, long version, [FromServices] ICatalogue catalogue, [FromServices] ClusterReach reach, CancellationToken ct)
    {
        var visitor = Visitor.Of(http.User)!;
        visitor.Require(Scope.Read);
        var versions = await catalogue.VersionsAsync(visitor.Client, new VersionsRequest(RootedPath.Parse(path)), ct);
        var wanted = versions.Versions.FirstOrDefault(v => v.Version == version && v.Kind == VersionKind.File)
            ?? throw Failure.NotFound($"Version {version} of '{RootedPath.Escape(path)}'").Exception();
        Announce(http, wanted.Path.Value[(wanted.Path.Value.LastIndexOf('/') + 1)..], MediaTypeNames.Application.Octet);
        http.Response.ContentLength = wanted.SizeBytes;
        await RestoreAsync(http, reach, visitor, [wanted], new OneFile(http.Response), ct);
    }

    private static async Task ZipAsync(
        HttpContext http, string? folder, long? at, [FromServices] ICatalogue catalogue, [FromServices] ClusterReach reach, CancellationToken ct)
    {
        var visitor = Visitor.Of(http.User)!;
        visitor.Require(Scope.Read);
        var files = new List<FileVersion>();
        await foreach (var file in FolderPage.AllBelowAsync(catalogue, visitor.Client, folder ?? "", at, ct))
        {
            if (file.Kind != VersionKind.Symlink)
                files.Add(file);
        }
        if (files.Count == 0)
            throw Failure.NotFound($"Anything below '{RootedPath.Escape(folder ?? "")}'").Exception();
        Announce(http, (folder is { Length: > 0 } ? folder[(folder.LastIndexOf('/') + 1)..] : "backup") + ".zip", MediaTypeNames.Application.Zip);
        // The archive writes its headers in between without waiting; what it writes is small.
        http.Features.GetRequiredFeature<IHttpBodyControlFeature>().AllowSynchronousIO = true;
        var target = new ZipTarget(http.Response.Body, folder ?? "");
        await RestoreAsync(http, reach, visitor, files, target, ct);
        if (!http.RequestAborted.IsCancellationRequested && target.Broken is null)
            target.Dispose();
    }

    private static async Task RestoreAsync(HttpContext http, ClusterReach reach, Visitor visitor, IReadOnlyList<FileVersion> versions, DownloadTarget target, CancellationToken ct)
    {
        var cluster = await reach.ConnectAsync(visitor, ct);
        await new Restorer(cluster, new TransferCounters()).RestoreAsync(versions, target, ct);
        if (target.Broken is null)
            return;
        if (http.Response.HasStarted)
            http.Abort();
        else
            throw target.Broken.Exception();
    }

    private static void Announce(HttpContext http, string name, string type)
    {
        http.Response.ContentType = type;
        http.Response.Headers.ContentDisposition = new ContentDisposition { FileName = Uri.EscapeDataString(name), DispositionType = "attachment" }.ToString()
            + $"; filename*=UTF-8''{Uri.EscapeDataString(name)}";
        http.Response.Headers.CacheControl = "no-store";
    }
}

/// <summary>A restore into a response.</summary>
internal abstract class DownloadTarget : IRestoreTarget
{
    /// <summary>Why what was sent is not whole; null while it is.</summary>
    public Failure? Broken { get; protected set; }

    public abstract Stream? Begin(FileVersion version, ManifestHead head);

    public virtual void Complete(FileVersion version, ManifestHead head)
    {
    }

    public virtual void Failed(FileVersion version, Failure failure) => Broken = failure;
}

/// <summary>One version as the body of the response.</summary>
internal sealed class OneFile(HttpResponse response) : DownloadTarget
{
    public override Stream? Begin(FileVersion version, ManifestHead head) => response.Body;
}

/// <summary>Many versions as one zip. What cannot be had at all is named in it; what broke off in the middle breaks the zip.</summary>
internal sealed class ZipTarget(Stream body, string folder) : DownloadTarget, IDisposable
{
    private readonly ZipArchive zip = new(body, ZipArchiveMode.Create, leaveOpen: true);
    private readonly List<string> missing = [];
    private RootedPath? begun;

    public override Stream? Begin(FileVersion version, ManifestHead head)
    {
        begun = version.Path;
        var name = version.Path.Value[(folder.Length == 0 ? 0 : folder.Length + 1)..];
        var entry = zip.CreateEntry(version.Kind == VersionKind.Folder ? name + "/" : name, CompressionLevel.Fastest);
        // Zip knows years from 1980 to 2107, to two seconds.
        var time = DateTimeOffset.FromUnixTimeMilliseconds(version.MtimeNs / 1_000_000);
        if (time.Year is >= 1980 and <= 2107)
            entry.LastWriteTime = time;
        entry.ExternalAttributes = version.Mode << 16;
        return version.Kind == VersionKind.Folder ? null : entry.Open();
    }

    public override void Complete(FileVersion version, ManifestHead head) => begun = null;

    public override void Failed(FileVersion version, Failure failure)
    {
        if (begun == version.Path)
            Broken = failure;
        else
            missing.Add($"{version.Path.Display}: {failure.Message}");
    }

    /// <summary>Ends the archive with its table of contents.</summary>
    public void Dispose()
    {
        if (missing.Count > 0)
        {
            using var text = new StreamWriter(zip.CreateEntry("NOT-RESTORED.txt").Open());
            foreach (var line in missing)
                text.WriteLine(line);
        }
        zip.Dispose();
    }
}
