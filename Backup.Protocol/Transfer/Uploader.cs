using System.Runtime.CompilerServices;

namespace Backup.Protocol;

/// <summary>
/// Sends files to the cluster, any number of any size in bounded memory: two batches overlap, so that one is read and
/// hashed while the other travels, and a few segments are under way at once, so that one is made durable while the next arrives.
/// The client and the gateways use this same code.
/// </summary>
public sealed class Uploader(ClusterConnection cluster, TransferCounters counters)
{
    private const int BatchesInFlight = 2;

    /// <summary>16 MiB each, up to twice that in memory, beside the one that fills: far below the client's 300 MiB.</summary>
    internal const int SegmentsInFlight = 3;

    /// <summary>A segment that takes longer is on a node that hangs: three at a time, at 10 Mbit/s for all, it would be there.</summary>
    public static readonly TimeSpan SegmentTime = TimeSpan.FromSeconds(40);

    /// <summary>A batch ends here: it is what its files may hold in memory before they are placed, and while their nodes' segments fill.</summary>
    private const long BatchBytesMax = 8 << 20;

    /// <summary>Uploads and yields what became of each file, in the order given.</summary>
    /// <param name="ct">Ends it at once.</param>
    /// <param name="soon">Ends it in order: no further batch begins, batches of small files are finished, and of a large file the segments under
    /// way, so that the next upload finds them there. What is not stored by then is not yielded.</param>
    /// <exception cref="FailureException">The cluster as a whole cannot take files; what was yielded before is stored.</exception>
    public async IAsyncEnumerable<UploadResult> UploadAsync(
        IEnumerable<SourceFile> files, [EnumeratorCancellation] CancellationToken ct, CancellationToken soon = default)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        using var inFlight = new SemaphoreSlim(SegmentsInFlight);
        var running = new Queue<Task<UploadResult[]>>();
        try
        {
            foreach (var batch in Batches(files).TakeWhile(_ => !soon.IsCancellationRequested))
            {
                var work = new UploadBatch(cluster, counters, inFlight, soon);
                running.Enqueue(Task.Run(() => work.RunAsync(batch, stop.Token), CancellationToken.None));
                if (running.Count < BatchesInFlight)
                    continue;
                foreach (var result in await ResultsAsync(running.Dequeue(), ct, soon))
                    yield return result;
            }
            while (running.Count > 0)
            {
                foreach (var result in await ResultsAsync(running.Dequeue(), ct, soon))
                    yield return result;
            }
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(running).ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    /// <summary>A batch that was given up in order has no results; the other one under way may have.</summary>
    private static async Task<UploadResult[]> ResultsAsync(Task<UploadResult[]> batch, CancellationToken ct, CancellationToken soon)
    {
        try
        {
            return await batch;
        }
        catch (OperationCanceledException) when (soon.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            return [];
        }
    }

    private static IEnumerable<List<SourceFile>> Batches(IEnumerable<SourceFile> files)
    {
        var batch = new List<SourceFile>();
        long bytes = 0;
        foreach (var file in files)
        {
            // A file that brings its operation travels alone: the operation names the whole batch.
            if (file.Operation is not null)
            {
                if (batch.Count > 0)
                    yield return batch;
                yield return [file];
                batch = [];
                bytes = 0;
                continue;
            }
            batch.Add(file);
            bytes += Math.Max(file.SizeBytes, 0);
            if (batch.Count < Limits.FilesPerCallMax && bytes < BatchBytesMax)
                continue;
            yield return batch;
            batch = [];
            bytes = 0;
        }
        if (batch.Count > 0)
            yield return batch;
    }
}
