using Backup.Manager.Redis;
using Backup.ServiceDefaults;

namespace Backup.Manager;

/// <summary>Gives expired reservations back also while nobody places anything. One manager of all does it at a time.</summary>
public sealed partial class ReservationExpiry(Metadata metadata, Reservations reservations, TimeProvider time, ILogger<ReservationExpiry> log)
    : Worker(time, log)
{
    /// <summary>Given back in one step; before each step the duty is renewed.</summary>
    private const int PerStepMax = 100;

    private readonly DutyLease duty = new(metadata, time, Reservations.Duty);

    /// <summary>A reservation lives for 15 minutes: a few seconds more of one do not matter, and a place looks for itself.</summary>
    protected override TimeSpan IdleInterval => TimeSpan.FromSeconds(10);

    public override async Task<WorkerStep> StepAsync(CancellationToken cancellationToken)
    {
        if (await duty.TakeAsync(cancellationToken) is not { } token)
            return WorkerStep.Idle;
        var members = await reservations.ExpiredAsync(PerStepMax, cancellationToken);
        foreach (var member in members)
        {
            if (!await reservations.ExpireAsync(member, token, cancellationToken))
                return WorkerStep.Idle;
            LogExpired(log, member);
        }
        return members.Length == PerStepMax ? WorkerStep.Busy : WorkerStep.Idle;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The reservation {Member} was never committed; its counts are given back")]
    private static partial void LogExpired(ILogger log, string member);
}
