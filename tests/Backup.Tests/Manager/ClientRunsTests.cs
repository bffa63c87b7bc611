using System.Diagnostics;
using Backup.Manager;
using Backup.Manager.Alarms;
using Backup.Manager.Collection;
using Backup.Protocol;
using Backup.ServiceDefaults;
using static Backup.Tests.Manager.ManagersOnRedis;

namespace Backup.Tests.Manager;

/// <summary>What clients tell of their runs, and what the cluster makes of it.</summary>
public abstract class ClientRunsTests(RedisFixture fixture)
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    [SkippableFact]
    public async Task A_run_is_noted_once_however_often_it_is_told_and_seen_by_its_client_only()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        var report = Backup(1000, 10) with { TraceId = "0123456789abcdef0123456789abcdef", Message = "it's fine\nreally" };
        await cluster.First.ReportRunAsync(cluster.Client, report, default);
        cluster.Time.Advance(TimeSpan.FromSeconds(5));
        await cluster.Second.ReportRunAsync(cluster.Client, report, default);
        var drill = Drill(good: 49, bad: 1);
        await cluster.First.ReportRunAsync(cluster.Client, drill, default);
        Assert.Equal([drill, report], (await cluster.Second.RunsAsync(cluster.Client, default)).Runs.Select(run => run.Report));
        Assert.Equal([drill], (await cluster.Second.DrillsAsync(cluster.Client, default)).Runs.Select(run => run.Report));
        Assert.Empty((await cluster.First.RunsAsync(ClientId.New(), default)).Runs);
        Assert.Equal(drill, Assert.Single((await cluster.First.ClientsAsync(default)).Clients).LastDrill!.Report);
        Assert.Contains((await EventsAsync(cluster)), e => e is { Kind: EventKind.CopyDamaged, Severity: EventSeverity.Warning } && e.Message.Contains("1 of 50 files"));
    }

    [SkippableFact]
    public async Task A_node_that_holds_something_damaged_is_said_once_and_again_when_it_is_repaired()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        foreach (var damaged in new[] { 2, 3, 0, 0 })
        {
            await cluster.HeartbeatAsync("n1", damaged: damaged);
            await cluster.Get<Watch>().StepAsync(default);
            Assert.Equal(damaged > 0, (await cluster.Second.ClusterAsync(default)).Problems.Any(problem => problem.Contains($"n1 holds {damaged} damaged", StringComparison.Ordinal)));
        }
        Assert.Equal([EventKind.CopyDamaged, EventKind.CopyRepaired], (await EventsAsync(cluster)).Where(e => e.Kind is EventKind.CopyDamaged or EventKind.CopyRepaired).Select(e => e.Kind));
    }

    [SkippableFact]
    public async Task Only_so_many_runs_are_kept()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        for (var i = 0; i < RunsReply.RunsKept + 3; i++)
            await cluster.First.ReportRunAsync(cluster.Client, Backup(i, 0), default);
        var runs = (await cluster.First.RunsAsync(cluster.Client, default)).Runs;
        Assert.Equal(RunsReply.RunsKept, runs.Length);
        Assert.Equal(RunsReply.RunsKept + 2, runs.Max(run => run.Report.Counts.Same));
    }

    [SkippableFact]
    public async Task A_backup_that_does_not_come_is_said_once_and_again_when_it_comes()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await LiveAsync(cluster, days: 6);
        await StepAsync(cluster);
        Assert.Equal((long)Day.TotalMilliseconds, Assert.Single((await cluster.First.ClientsAsync(default)).Clients).UsualMs);
        // A backup that failed, or of one file only, is none.
        cluster.Time.Advance(Day);
        await cluster.First.ReportRunAsync(cluster.Client, Backup(1000, 0) with { Outcome = RunOutcome.Failed }, default);
        await cluster.First.ReportRunAsync(cluster.Client, Backup(1000, 0) with { Whole = false }, default);
        await StepAsync(cluster);
        Assert.Empty(await AlarmsAsync(cluster));
        cluster.Time.Advance(Day / 2);
        await StepAsync(cluster);
        await StepAsync(cluster, manager: 1);
        var said = Assert.Single(await AlarmsAsync(cluster));
        Assert.Equal((EventKind.BackupOverdue, EventSeverity.Warning, cluster.Client.ToString()), (said.Kind, said.Severity, said.Subject));
        Assert.Contains((await cluster.First.ClusterAsync(default)).Problems, problem => problem.Contains("not backed up when", StringComparison.Ordinal));

        await cluster.First.ReportRunAsync(cluster.Client, Backup(1000, 0), default);
        await StepAsync(cluster);
        Assert.Equal([EventSeverity.Warning, EventSeverity.Info], (await AlarmsAsync(cluster)).Select(e => e.Severity));
        Assert.DoesNotContain((await cluster.First.ClusterAsync(default)).Problems, problem => problem.Contains("not backed up when", StringComparison.Ordinal));
    }

    [SkippableFact]
    public async Task After_a_strange_backup_retention_pauses_until_an_operator_says_that_it_is_fine()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await LiveAsync(cluster, days: 5);
        var standing = await cluster.First.ReportRunAsync(cluster.Client, Backup(1000, 900), default);
        Assert.Equal((1000, 900), (standing.Unusual!.Files, standing.Unusual.Touched));
        Assert.Equal(EventSeverity.Error, Assert.Single(await AlarmsAsync(cluster)).Severity);
        var apply = new RetentionRequest(new RetentionPolicy(Last: 1), Apply: true);
        var refused = await FailsAsync(FailureCode.Forbidden, () => cluster.Second.RetainAsync(cluster.Client, apply, default));
        Assert.Contains("900 of 1000 files", refused.Message);
        await cluster.Second.RetainAsync(cluster.Client, apply with { Apply = false }, default);
        await cluster.Second.RetainAsync(ClientId.New(), apply, default);

        // The next backup, which changes nothing, does not make it fine.
        cluster.Time.Advance(Day);
        await cluster.First.ReportRunAsync(cluster.Client, Backup(1000, 0), default);
        await FailsAsync(FailureCode.Forbidden, () => cluster.First.RetainAsync(cluster.Client, apply, default));
        await FailsAsync(FailureCode.NotFound, () => cluster.First.FineAsync(new FineRequest(ClientId.New()), default));
        Assert.Null((await cluster.Second.FineAsync(new FineRequest(cluster.Client), default)).Unusual);
        await cluster.First.RetainAsync(cluster.Client, apply, default);
        Assert.Equal([EventSeverity.Error, EventSeverity.Info], (await AlarmsAsync(cluster)).Select(e => e.Severity));
        // And the next strange one is said again.
        cluster.Time.Advance(Day);
        Assert.NotNull((await cluster.First.ReportRunAsync(cluster.Client, Backup(1000, 950), default)).Unusual);
    }

    [SkippableFact]
    public async Task What_was_dropped_before_a_strange_backup_can_be_brought_back_until_somebody_has_looked()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        foreach (var name in new[] { "old", "new" })
        {
            await cluster.RegisterManyAsync("n1", "n2");
            await cluster.StoreAsync("file");
            cluster.Time.Advance(TimeSpan.FromMinutes(1));
            await cluster.First.SnapshotAsync(cluster.Client, new SnapshotRequest(name, Automatic: true), default);
        }
        Assert.Equal(1, (await cluster.First.RetainAsync(cluster.Client, new RetentionRequest(new RetentionPolicy(Last: 1), Apply: true), default)).Versions);
        await LiveAsync(cluster, days: 5);
        await cluster.First.ReportRunAsync(cluster.Client, Backup(1000, 900), default);
        cluster.Time.Advance(TimeSpan.FromDays(7));
        for (var i = 0; i < 5; i++)
            await cluster.Get<Forgetter>().StepAsync(default);
        Assert.Equal(1, (await cluster.First.UndoRetentionAsync(cluster.Client, default)).Versions);
    }

    [SkippableFact]
    public async Task Who_watches_his_root_has_the_beat_of_his_busiest_passes()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        for (var quarter = 0; quarter < 4 * 26; quarter++)
        {
            // A log that changes all the time is one file, however often it is sent.
            for (var pass = 0; pass < 3; pass++)
            {
                await cluster.First.ReportRunAsync(cluster.Client, Backup(100, pass == 1 ? 3 : 1), default);
                cluster.Time.Advance(TimeSpan.FromMinutes(5));
            }
        }
        var standing = Assert.Single((await cluster.First.ClientsAsync(default)).Clients);
        Assert.Null(standing.Unusual);
        Assert.Equal((long)TimeSpan.FromMinutes(5).TotalMilliseconds, standing.UsualMs);
        Assert.Equal((long)TimeSpan.FromMinutes(65).TotalMilliseconds, standing.DueMs - standing.LastBackupMs);
        var strange = await cluster.First.ReportRunAsync(cluster.Client, Backup(100, 90), default);
        Assert.Equal(3, strange.Unusual!.UsualPercent);
    }

    [SkippableTheory]
    [InlineData("id")]
    [InlineData("negative")]
    [InlineData("kind")]
    [InlineData("message")]
    [InlineData("trace")]
    public async Task A_report_that_makes_no_sense_is_refused(string wrong)
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        var good = Backup(1, 0);
        var report = wrong switch
        {
            "id" => good with { Id = "../x" },
            "negative" => good with { Counts = good.Counts with { Deleted = -1 } },
            "kind" => good with { Kind = (RunKind)99 },
            "message" => good with { Message = new string('x', 1001) },
            _ => good with { TraceId = "x y" },
        };
        await FailsAsync(FailureCode.InvalidRequest, () => cluster.First.ReportRunAsync(cluster.Client, report, default));
        Assert.Empty((await cluster.First.RunsAsync(cluster.Client, default)).Runs);
    }

    /// <summary>A daily backup that changes one file in a hundred.</summary>
    private static async Task LiveAsync(ManagersOnRedis cluster, int days)
    {
        for (var day = 0; day < days; day++)
        {
            await cluster.First.ReportRunAsync(cluster.Client, Backup(1000, 10), default);
            if (day < days - 1)
                cluster.Time.Advance(Day);
        }
        cluster.Time.Advance(TimeSpan.FromHours(1));
    }

    private static async Task StepAsync(ManagersOnRedis cluster, int manager = 0)
    {
        cluster.Time.Advance(Leases.Duty);
        Assert.Equal(WorkerStep.Idle, await cluster.Get<OverdueWorker>(manager).StepAsync(default));
    }

    private static async Task<ClusterEvent[]> EventsAsync(ManagersOnRedis cluster) => (await cluster.First.EventsAsync(new EventsRequest(0, 100), default)).Events;

    private static async Task<ClusterEvent[]> AlarmsAsync(ManagersOnRedis cluster) =>
        [.. (await EventsAsync(cluster)).Where(e => e.Kind is EventKind.BackupOverdue or EventKind.BackupUnusual)];

    /// <param name="files">That are stored.</param>
    /// <param name="touched">Of these, changed ones.</param>
    internal static RunReport Backup(long files, long touched) => Run(RunKind.Backup, files - touched, changed: touched);

    internal static RunReport Drill(long good, long bad) => Run(RunKind.Drill, good, failed: bad);

    private static RunReport Run(RunKind kind, long same, long changed = 0, long failed = 0) => new(
        ActivityTraceId.CreateRandom().ToString(), kind, failed == 0 ? RunOutcome.Done : RunOutcome.Incomplete, 1_000, 2_000, Whole: true, new RunCounts(0, changed, 0, same, failed, 0, 0));
}

[Collection(OnGarnet.Name)]
public sealed class ClientRunsOnGarnet(GarnetFixture fixture) : ClientRunsTests(fixture);

[Collection(OnDebian.Name)]
public sealed class ClientRunsOnDebian(DebianFixture fixture) : ClientRunsTests(fixture);
