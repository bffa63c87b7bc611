using System.Diagnostics;
using Backup.Protocol;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;

namespace Backup.ServiceDefaults;

/// <summary>What a step of a <see cref="Worker"/> found.</summary>
public enum WorkerStep
{
    /// <summary>Nothing to do: look again after the idle interval.</summary>
    Idle,

    /// <summary>Did a unit of work, there may be more: go on after a pause.</summary>
    Busy,
}

/// <summary>
/// Background work, one bounded unit at a time. The worker says what a unit is; this shell owns when it runs, its
/// span, what happens when it fails, and how it ends. Tests call <see cref="StepAsync"/>.
/// </summary>
public abstract partial class Worker(TimeProvider time, ILogger logger) : BackgroundService
{
    /// <summary>After a failure: doubled each time up to the maximum, and forgotten with the next success.</summary>
    private static readonly TimeSpan FailurePauseMin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FailurePauseMax = TimeSpan.FromMinutes(1);

    /// <summary>A single long step must not become a long silence.</summary>
    private static readonly TimeSpan BusyPauseMax = TimeSpan.FromSeconds(10);

    protected TimeProvider Time => time;

    /// <summary>The name of its spans and log lines.</summary>
    protected virtual string Name => GetType().Name;

    /// <summary>How long to wait when there was nothing to do.</summary>
    protected abstract TimeSpan IdleInterval { get; }

    /// <summary>
    /// How many times the average step to rest between two steps: 2 leaves two thirds of a core and a disk to those
    /// who wait for an answer. 0 does not rest.
    /// </summary>
    protected virtual double RestPerWork => 2;

    /// <summary>Whether steps and what they call make spans. Not where the same is asked every few seconds: it would bury what matters.</summary>
    protected virtual bool IsTraced => true;

    /// <summary>
    /// Does one unit of work. It may be cut short by the token, and repeated; what it throws is logged and tried
    /// again later.
    /// </summary>
    public abstract Task<WorkerStep> StepAsync(CancellationToken cancellationToken);

    /// <inheritdoc/>
    protected sealed override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Do not hold up the start of the host with a first step that works before it waits.
        await Task.Yield();
        var averageStep = TimeSpan.Zero;
        var failurePause = FailurePauseMin;
        while (!stoppingToken.IsCancellationRequested)
        {
            TimeSpan pause;
            try
            {
                var started = time.GetTimestamp();
                var found = await TracedStepAsync(stoppingToken);
                // A moving average over about four steps: it follows the load, and one outlier does not rule it.
                averageStep += (time.GetElapsedTime(started) - averageStep) / 4;
                pause = found == WorkerStep.Idle ? IdleInterval : Min(averageStep * RestPerWork, BusyPauseMax);
                failurePause = FailurePauseMin;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception failure)
            {
                StepFailed(logger, failure, Name, failurePause.TotalSeconds);
                pause = failurePause;
                failurePause = Min(failurePause * 2, FailurePauseMax);
            }

            await Task.Delay(Timers.Bounded(pause), time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<WorkerStep> TracedStepAsync(CancellationToken cancellationToken)
    {
        using var silence = IsTraced ? null : SuppressInstrumentationScope.Begin();
        using var span = Telemetry.Source.StartActivity(Name);
        try
        {
            var found = await StepAsync(cancellationToken);
            // Looking and finding nothing is not worth a trace.
            if (found == WorkerStep.Idle && span is not null)
                span.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
            return found;
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            span?.SetStatus(ActivityStatusCode.Error, failure.Message);
            throw;
        }
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Worker} failed; trying again in {Seconds:0} s")]
    private static partial void StepFailed(ILogger logger, Exception failure, string worker, double seconds);
}
