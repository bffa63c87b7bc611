namespace Backup.FaultTests.Simulation;

/// <summary>
/// Time that moves only when somebody waits: whoever pauses for a second has it pass at once, with all that the rest of the
/// cluster does in it. Deadlines that are held against work under way do not move time: they fire when it has passed.
/// </summary>
internal sealed class SimClock : TimeProvider
{
    /// <summary>Pauses before another attempt are shorter, deadlines longer.</summary>
    private static readonly TimeSpan DeadlineMin = TimeSpan.FromSeconds(5);

    private readonly Lock gate = new();
    private readonly List<Timer> deadlines = [];
    private long nowMs = 1_800_000_000_000;

    /// <summary>What happens while time passes; it moves the clock with <see cref="Advance"/>.</summary>
    public Func<TimeSpan, Task>? Pass { get; set; }

    public long NowMs => Interlocked.Read(ref nowMs);

    public override long TimestampFrequency => 1000;

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeMilliseconds(NowMs);

    public override long GetTimestamp() => NowMs;

    public void Advance(TimeSpan by)
    {
        var now = Interlocked.Add(ref nowMs, (long)by.TotalMilliseconds);
        List<Timer> due;
        lock (gate)
        {
            due = deadlines.FindAll(timer => timer.DueMs <= now);
            deadlines.RemoveAll(due.Contains);
        }
        due.ForEach(timer => timer.Fire());
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class Timer(SimClock clock, TimerCallback callback, object? state) : ITimer
    {
        private volatile bool isOver;

        public long DueMs { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime == Timeout.InfiniteTimeSpan)
                return true;
            if (dueTime < DeadlineMin)
            {
                _ = Task.Run(() => PassAsync(dueTime));
                return true;
            }
            DueMs = clock.NowMs + (long)dueTime.TotalMilliseconds;
            lock (clock.gate)
                clock.deadlines.Add(this);
            return true;
        }

        public void Fire()
        {
            if (!isOver)
                _ = Task.Run(() => callback(state));
        }

        public void Dispose()
        {
            isOver = true;
            lock (clock.gate)
                clock.deadlines.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private async Task PassAsync(TimeSpan dueTime)
        {
            if (clock.Pass is { } pass)
                await pass(dueTime);
            else
                clock.Advance(dueTime);
            Fire();
        }
    }
}
