namespace Backup.FaultTests.Simulation;

/// <summary>
/// Time that moves only when somebody waits: whoever waits for ten seconds has them pass at once, with all that the rest of the
/// cluster does in them.
/// </summary>
internal sealed class SimClock : TimeProvider
{
    private long nowMs = 1_800_000_000_000;

    /// <summary>What happens while time passes; it moves the clock with <see cref="Advance"/>.</summary>
    public Func<TimeSpan, Task>? Pass { get; set; }

    public long NowMs => Interlocked.Read(ref nowMs);

    public override long TimestampFrequency => 1000;

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeMilliseconds(NowMs);

    public override long GetTimestamp() => NowMs;

    public void Advance(TimeSpan by) => Interlocked.Add(ref nowMs, (long)by.TotalMilliseconds);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class Timer(SimClock clock, TimerCallback callback, object? state) : ITimer
    {
        private bool isOver;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime != Timeout.InfiniteTimeSpan)
                _ = Task.Run(() => FireAsync(dueTime));
            return true;
        }

        public void Dispose() => isOver = true;

        public ValueTask DisposeAsync()
        {
            isOver = true;
            return ValueTask.CompletedTask;
        }

        private async Task FireAsync(TimeSpan dueTime)
        {
            if (clock.Pass is { } pass)
                await pass(dueTime);
            else
                clock.Advance(dueTime);
            if (!isOver)
                callback(state);
        }
    }
}
