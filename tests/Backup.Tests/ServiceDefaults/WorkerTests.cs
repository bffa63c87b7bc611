using System.Threading.Channels;
using Backup.ServiceDefaults;
using Microsoft.Extensions.Logging.Abstractions;

namespace Backup.Tests.ServiceDefaults;

/// <summary>The shell around background work: when it steps, and what happens when a step fails.</summary>
public sealed class WorkerTests
{
    [Fact]
    public async Task An_idle_worker_looks_again_after_its_interval()
    {
        var time = new HandClock();
        using var worker = new Scripted(time, () => WorkerStep.Idle);
        await worker.StartAsync(default);
        Assert.Equal(TimeSpan.FromSeconds(30), await time.NextPauseAsync());
        Assert.Equal(1, worker.Steps);
        time.Pass();
        Assert.Equal(TimeSpan.FromSeconds(30), await time.NextPauseAsync());
        Assert.Equal(2, worker.Steps);
        await worker.StopAsync(default);
    }

    [Fact]
    public async Task A_busy_worker_rests_in_proportion_to_its_work()
    {
        var time = new HandClock();
        using var worker = new Scripted(time, () => { time.Now += TimeSpan.FromSeconds(4); return WorkerStep.Busy; });
        await worker.StartAsync(default);
        // The average begins at a quarter of the first step, and the worker rests twice the average.
        Assert.Equal(TimeSpan.FromSeconds(2), await time.NextPauseAsync());
        time.Pass();
        Assert.Equal(TimeSpan.FromSeconds(3.5), await time.NextPauseAsync());
        await worker.StopAsync(default);
    }

    [Fact]
    public async Task A_failing_worker_goes_on_and_waits_longer_each_time()
    {
        var time = new HandClock();
        var failures = 2;
        using var worker = new Scripted(time, () => failures-- > 0 ? throw new InvalidOperationException("as scripted") : WorkerStep.Idle);
        await worker.StartAsync(default);
        Assert.Equal(TimeSpan.FromSeconds(1), await time.NextPauseAsync());
        time.Pass();
        Assert.Equal(TimeSpan.FromSeconds(2), await time.NextPauseAsync());
        time.Pass();
        Assert.Equal(TimeSpan.FromSeconds(30), await time.NextPauseAsync());
        await worker.StopAsync(default);
    }

    private sealed class Scripted(TimeProvider time, Func<WorkerStep> step) : Worker(time, NullLogger.Instance)
    {
        public int Steps { get; private set; }

        protected override TimeSpan IdleInterval => TimeSpan.FromSeconds(30);

        public override Task<WorkerStep> StepAsync(CancellationToken cancellationToken)
        {
            Steps++;
            return Task.FromResult(step());
        }
    }

    /// <summary>A clock that stands still; each pause is seen, and passes when the test says so.</summary>
    private sealed class HandClock : TimeProvider
    {
        private readonly Channel<TimeSpan> pauses = Channel.CreateUnbounded<TimeSpan>();
        private Action pass = () => { };

        public TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            pass = () => callback(state);
            pauses.Writer.TryWrite(dueTime);
            return new Nothing();
        }

        public Task<TimeSpan> NextPauseAsync() => pauses.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(60));

        public void Pass() => pass();

        private sealed class Nothing : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
