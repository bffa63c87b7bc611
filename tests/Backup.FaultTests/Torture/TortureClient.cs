using Backup.FaultTests.Simulation;
using Backup.Protocol;

namespace Backup.FaultTests.Torture;

/// <summary>One client that writes, deletes and reads for as long as it is told to, and writes down what it asked for and what it heard.</summary>
internal sealed class TortureClient(ClusterConnection cluster, Ledger ledger, Random random, Action<string> violation, Action<string> note)
{
    /// <summary>An operation that takes longer than any patience in the client hangs.</summary>
    private static readonly TimeSpan OperationTimeMax = TimeSpan.FromMinutes(4);

    /// <summary>
    /// What a client sends in large files, in bytes, before it goes on with small ones: three clients and two copies fill 3 GiB. Without
    /// it six minutes on a fast machine take ten, and a disk that is full ends a run that is about something else.
    /// </summary>
    private const long LargeBytesMax = 512L << 20;

    private const int SmallBytesMax = 64 << 10;

    private long largeBytes;

    public int Operations { get; private set; }

    public TimeSpan LongestWait { get; private set; }

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            Operations++;
            var started = TimeProvider.System.GetTimestamp();
            try
            {
                await StepAsync().WaitAsync(OperationTimeMax, CancellationToken.None);
            }
            catch (FailureException e)
            {
                note($"{cluster.Client} failed: {e.Failure.Code} {e.Failure.Message}");
            }
            catch (OperationCanceledException)
            {
                note($"{cluster.Client} was cut off");
            }
            catch (Exception e)
            {
                violation($"I12: {cluster.Client} met {e.GetType().Name}: {e.Message} {e.StackTrace}");
            }
            var took = TimeProvider.System.GetElapsedTime(started);
            LongestWait = took > LongestWait ? took : LongestWait;
        }
    }

    private Task StepAsync() => random.Next(10) switch
    {
        < 5 => UploadAsync(isCutOff: false),
        < 6 => UploadAsync(isCutOff: true),
        < 7 => DeleteAsync(),
        _ => RestoreAsync(),
    };

    /// <param name="isCutOff">The client dies in the middle: its connections go with it.</param>
    private async Task UploadAsync(bool isCutOff)
    {
        using var death = new CancellationTokenSource();
        if (isCutOff)
            death.CancelAfter(random.Next(5, 400));
        var files = Enumerable.Range(0, random.Next(1, 12)).Select(_ => NewPath()).Distinct()
            .Select(path => ledger.Begin(cluster.Client, path, VersionKind.File, random.Next(), Size())).ToList();
        await SendAsync(files, death.Token);
    }

    private Task DeleteAsync() => SendAsync([ledger.Begin(cluster.Client, NewPath(), VersionKind.Tombstone, 0, 0)], default);

    private async Task SendAsync(List<Change> changes, CancellationToken ct)
    {
        await foreach (var result in new Uploader(cluster, new TransferCounters()).UploadAsync(changes.Select(change => change.Source()), ct))
        {
            if (result.Receipt is { } receipt)
                ledger.Acknowledge(changes.Single(change => change.Path == result.Path), receipt);
        }
    }

    private async Task RestoreAsync()
    {
        var known = ledger.AcknowledgedOf(cluster.Client);
        if (known.Length == 0)
            return;
        var change = known[random.Next(known.Length)];
        var listed = await cluster.AskAsync(node => node.VersionsAsync(cluster.Client, new VersionsRequest(change.Path), default), default);
        if (Array.Find(listed.Versions, version => version.Version == change.Receipt!.Version) is not { } version)
            violation($"I6: version {change.Receipt!.Version} of {change.Path} was acknowledged and is not listed");
        else
            await new Restorer(cluster, new TransferCounters()).RestoreAsync([version], new ComparingTarget(ledger, violation), default);
    }

    private int Size()
    {
        var size = random.Next(20) switch
        {
            0 => 0,
            1 => random.Next(4 << 20, 12 << 20),
            < 6 => random.Next(64 << 10, 2 << 20),
            _ => random.Next(1, SmallBytesMax),
        };
        if (size > SmallBytesMax && largeBytes > LargeBytesMax)
            return size % SmallBytesMax;
        largeBytes += size > SmallBytesMax ? size : 0;
        return size;
    }

    private RootedPath NewPath() => RootedPath.Parse($"d{random.Next(4)}/f{random.Next(40)}");
}
