using Backup.Protocol;

namespace Backup.Client;

/// <summary>What became of one pass.</summary>
/// <param name="Why">"start", "change" or "full".</param>
/// <param name="Failure">Why it could not be made; it is tried again.</param>
internal sealed record WatchPass(string Why, BackupSummary? Summary, Failure? Failure);

/// <summary>Keeps a root backed up until it is stopped: a whole backup whenever something changed, and now and then in any case.</summary>
/// <param name="told">Is told of every pass.</param>
/// <param name="blind">Is told when changes cannot be seen any more, and why.</param>
internal sealed class WatchRun(Session session, WatchPacing pacing, Func<Progress> progress, Action<WatchPass> told, Action<string> blind)
{
    private readonly Lock gate = new();
    private readonly TimeProvider time = session.Surroundings.Time;
    private readonly long started = session.Surroundings.Time.GetTimestamp();
    private TaskCompletionSource woken = NewSignal();

    /// <returns>How many passes stored something.</returns>
    /// <exception cref="FailureException">The root itself cannot be used.</exception>
    public async Task<long> RunAsync(CancellationToken ct)
    {
        using var watcher = new RootWatcher(session.Root.FullPath, Changed, why =>
        {
            lock (gate)
                pacing.IsBlind = true;
            Wake();
            blind(why);
        });
        long stored = 0;
        for (var why = "start"; ; why = await DueAsync(ct))
        {
            var summary = await PassAsync(why, ct);
            stored += summary is { } made && made.Stored + made.Deleted > 0 ? 1 : 0;
            if (ct.IsCancellationRequested)
                return stored;
        }
    }

    private async Task<BackupSummary?> PassAsync(string why, CancellationToken ct)
    {
        lock (gate)
            pacing.PassBegins();
        var run = new BackupRun(session, new BackupRequest([]), progress());
        try
        {
            var summary = await run.RunAsync(ct);
            lock (gate)
                pacing.PassEnded(time.GetElapsedTime(started), run.LookTime);
            told(new WatchPass(why, summary, null));
            return summary;
        }
        catch (FailureException e)
        {
            // A cluster that is down for a while, another backup of this root under way, a disk that is not mounted: it passes.
            lock (gate)
                pacing.PassFailed(time.GetElapsedTime(started), run.LookTime);
            told(new WatchPass(why, null, e.Failure));
            return null;
        }
    }

    /// <summary>Waits until a pass is due. Each change moves that moment.</summary>
    /// <returns>Why it is.</returns>
    private async Task<string> DueAsync(CancellationToken ct)
    {
        var isChange = false;
        while (true)
        {
            TimeSpan wait;
            Task wake;
            lock (gate)
            {
                wait = pacing.DueAt() - time.GetElapsedTime(started);
                if (woken.Task.IsCompleted)
                {
                    isChange = true;
                    woken = NewSignal();
                }
                wake = woken.Task;
            }
            if (wait <= TimeSpan.Zero)
                return isChange ? "change" : "full";
            using var either = CancellationTokenSource.CreateLinkedTokenSource(ct);
            await Task.WhenAny(wake, Task.Delay(Timers.Bounded(wait), time, either.Token));
            await either.CancelAsync();
            ct.ThrowIfCancellationRequested();
        }
    }

    private void Changed()
    {
        lock (gate)
            pacing.Changed(time.GetElapsedTime(started));
        Wake();
    }

    private void Wake()
    {
        lock (gate)
            woken.TrySetResult();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
