using Backup.Manager.Redis;
using Backup.Protocol;

namespace Backup.Manager;

/// <summary>Gives expired reservations back also while nobody places anything. One manager of all does it at a time.</summary>
public sealed partial class ReservationExpiry(Metadata metadata, Reservations reservations, TimeProvider time, ILogger<ReservationExpiry> log) : BackgroundService
{
    /// <summary>A reservation lives for 15 minutes: a quarter more of one does not matter.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);

    /// <summary>Given back in one step; between steps the duty is renewed.</summary>
    private const int PerStepMax = 100;

    private readonly DutyLease duty = new(metadata, time, Reservations.Duty);

    /// <summary>Does one unit of work.</summary>
    /// <returns>Whether there may be more.</returns>
    public async Task<bool> StepAsync(CancellationToken ct)
    {
        if (await duty.TakeAsync(ct) is not { } token)
            return false;
        var members = await reservations.ExpiredAsync(PerStepMax, ct);
        foreach (var member in members)
        {
            if (!await reservations.ExpireAsync(member, token, ct))
                return false;
            LogExpired(log, member);
        }
        return members.Length == PerStepMax;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var busy = false;
            try
            {
                busy = await StepAsync(stoppingToken);
            }
            catch (FailureException e)
            {
                LogFailed(log, e.Failure.Message);
            }
            if (!busy)
                await Task.Delay(Pause, time, stoppingToken);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The reservation {Member} was never committed; its counts are given back")]
    private static partial void LogExpired(ILogger log, string member);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Expired reservations wait: {Message}")]
    private static partial void LogFailed(ILogger log, string message);
}
