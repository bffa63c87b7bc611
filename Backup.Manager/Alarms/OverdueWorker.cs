using Backup.Manager.Redis;
using Backup.Protocol;
using Backup.ServiceDefaults;

namespace Backup.Manager.Alarms;

/// <summary>Notices that a backup did not come. One manager of all does it.</summary>
public sealed class OverdueWorker(Metadata metadata, ClientRuns runs, TimeProvider time, ILogger<OverdueWorker> log) : Worker(time, log)
{
    public const string Duty = "overdue";

    /// <summary>Clients looked at in one step: some tenths of a second.</summary>
    private const int ClientsMax = 100;

    private readonly DutyLease duty = new(metadata, time, Duty);

    /// <summary>Rhythms are hours and days.</summary>
    protected override TimeSpan IdleInterval => TimeSpan.FromSeconds(10);

    public override async Task<WorkerStep> StepAsync(CancellationToken cancellationToken)
    {
        if (await duty.TakeAsync(cancellationToken) is null)
            return WorkerStep.Idle;
        // No fence: what is noted is compared with what was read, and a manager that has lost the duty says the same.
        var due = await metadata.ReadUpToAsync(Keys.Due, Time.GetUtcNow().ToUnixTimeMilliseconds(), ClientsMax, cancellationToken);
        foreach (var client in due)
            await runs.LookAsync(ClientId.Parse(client), cancellationToken);
        return due.Length == ClientsMax ? WorkerStep.Busy : WorkerStep.Idle;
    }
}
