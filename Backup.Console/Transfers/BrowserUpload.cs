using Backup.Protocol;
using Microsoft.AspNetCore.Components.Forms;

namespace Backup.WebConsole.Transfers;

/// <summary>Files that a person gave a page, on the way a client's files take: steps ① to ⑥.</summary>
public sealed class BrowserUpload(string folder, IReadOnlyList<IBrowserFile> files)
{
    private readonly TransferCounters counters = new();
    private readonly CancellationTokenSource stop = new();

    public long TotalBytes { get; } = files.Sum(file => file.Size);

    public long SentBytes => Interlocked.Read(ref counters.BytesRead);

    public void Stop() => stop.Cancel();

    /// <exception cref="FailureException">A name is no path, or the cluster takes nothing.</exception>
    public IAsyncEnumerable<UploadResult> SendAsync(ClusterConnection cluster) => new Uploader(cluster, counters).UploadAsync([.. files.Select(Source)], stop.Token);

    private SourceFile Source(IBrowserFile file)
    {
        var path = RootedPath.Parse(folder.Length == 0 ? file.Name : $"{folder}/{file.Name}");
        // The browser's own limit is its size: it is streamed, whatever that is.
        return new SourceFile(path, VersionKind.File, file.Size, file.LastModified.ToUnixTimeMilliseconds() * 1_000_000, Mode: 0, LinkTarget: null,
            () => new ChosenStream(file.OpenReadStream(long.MaxValue, stop.Token)));
    }
}
