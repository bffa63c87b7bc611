using System.Globalization;
using System.Text.Json;
using Backup.Manager.Redis;
using Backup.Protocol;
using Microsoft.Extensions.Options;

namespace Backup.Manager.Alarms;

/// <summary>
/// What clients tell of their backups, drills and verifications, and how the cluster sees them for it. A backup is judged while
/// it is told, so that the retention that follows it finds the pause.
/// </summary>
public sealed class ClientRuns(Metadata metadata, EventLog events, Quotas quotas, TimeProvider time, IOptions<ClusterOptions> options)
{
    /// <summary>Times a judgement is made anew because somebody else judged the same client meanwhile.</summary>
    private const int AttemptsMax = 5;

    private const int IdChars = 32;

    private static readonly RunKind[] Kinds = Enum.GetValues<RunKind>();

    public async Task<ClientStanding> ReportAsync(ClientId client, RunReport report, CancellationToken ct)
    {
        Check(report);
        var nowMs = time.GetUtcNow().ToUnixTimeMilliseconds();
        var isBeat = report is { Kind: RunKind.Backup, Whole: true, Outcome: RunOutcome.Done or RunOutcome.Incomplete };
        var (files, touched) = (report.Counts.Same + report.Counts.Changed + report.Counts.Deleted, report.Counts.Changed + report.Counts.Deleted);
        var run = new ClientRun(report, nowMs);
        var call = new ScriptCall(Script.NoteRun).Key(Keys.Runs(client, report.Kind), Keys.Beats(client), Keys.Events, Keys.EventSequence)
            .Arg(report.Id).Arg(JsonSerializer.Serialize(run, WireJson.Default.ClientRun)).Arg(RunsReply.RunsKept).Arg(isBeat ? "1" : "0")
            .Arg(nowMs).Arg(files).Arg(touched).Arg((long)options.Value.RunsTogether.TotalMilliseconds).Arg(Rhythm.BeatsKept).Arg(EventLog.EventsKept);
        if (report.Kind != RunKind.Backup && report.Counts.Failed > 0)
            call.Arg(events.Line(EventKind.CopyDamaged, EventSeverity.Warning, client.ToString(), WhatFailed(client, report)));
        Beat[] beats = [.. (await metadata.RunAsync(call, ct)).Texts.Select(Beat.Parse)];
        return await ChangeAsync(client, before => After(before, beats, nowMs) with { LastDrill = report.Kind == RunKind.Drill ? run : before.LastDrill }, ct);
    }

    /// <summary>Newest first.</summary>
    public async Task<RunsReply> ReadAsync(ClientId client, IEnumerable<RunKind>? kinds, CancellationToken ct)
    {
        var runs = new List<ClientRun>();
        foreach (var kind in kinds ?? Kinds)
            runs.AddRange((await metadata.ReadListAsync(Keys.Runs(client, kind), 0, ct)).Select(line => JsonSerializer.Deserialize(line.AsSpan(IdChars + 1), WireJson.Default.ClientRun)!));
        return new RunsReply([.. runs.OrderByDescending(run => run.ToldMs)]);
    }

    public async Task<ClientsReply> ClientsAsync(CancellationToken ct) => new(await Task.WhenAll((await metadata.ReadPairsAsync(Keys.Standings, ct)).Select(pair => Parse(pair.Value))
        .OrderByDescending(client => client.IsAlarming).ThenByDescending(client => client.LastBackupMs).Take(Limits.ListPageMax).Select(client => WithSpaceAsync(client, ct))));

    /// <summary>Says how much a client may store.</summary>
    public async Task<ClientStanding> QuotaAsync(QuotaRequest request, CancellationToken ct)
    {
        await quotas.SetAsync(request, ct);
        return await WithSpaceAsync(await FindAsync(request.Client, ct) ?? new ClientStanding(request.Client), ct);
    }

    /// <summary>Says what was not said yet of a client whose next backup should have come.</summary>
    public Task<ClientStanding> LookAsync(ClientId client, CancellationToken ct)
    {
        var nowMs = time.GetUtcNow().ToUnixTimeMilliseconds();
        return ChangeAsync(client, before => before.OverdueSinceMs is null && before.DueMs <= nowMs ? before with { OverdueSinceMs = before.DueMs } : before, ct);
    }

    public async Task<ClientStanding> FineAsync(FineRequest request, CancellationToken ct)
    {
        if (await FindAsync(request.Client, ct) is null)
            throw new Failure(FailureCode.NotFound, $"Client {request.Client} has told of no run.", "client", "`cluster clients` lists those that have.").Exception();
        var nowMs = time.GetUtcNow().ToUnixTimeMilliseconds();
        return await ChangeAsync(request.Client, before => before with { Unusual = null, FineUpToMs = Math.Max(before.FineUpToMs, nowMs) }, ct);
    }

    public async Task<bool> IsPausedAsync(ClientId client, CancellationToken ct) => await FindAsync(client, ct) is { Unusual: not null };

    /// <exception cref="FailureException">The last backup of the client looks strange, and nobody has said that it is fine.</exception>
    public async Task RequireUsualAsync(ClientId client, CancellationToken ct)
    {
        if (await FindAsync(client, ct) is { Unusual: { } unusual })
            throw new Failure(FailureCode.Forbidden, $"Retention pauses for this client: {RunText.Of(unusual)}.", "client",
                $"Look at what changed (`diff`); if it is fine, whoever looks after the cluster says so with `cluster fine {client}`.").Exception();
    }

    private async Task<ClientStanding?> FindAsync(ClientId client, CancellationToken ct) =>
        (await metadata.ReadHashAsync(Keys.Standings, [client.ToString()], ct))[0] is { } text ? Parse(text) : null;

    private async Task<ClientStanding> WithSpaceAsync(ClientStanding client, CancellationToken ct)
    {
        var (stored, quota) = await quotas.ReadAsync(client.Client, ct);
        return client with { StoredBytes = stored, QuotaBytes = quota };
    }

    /// <summary>How the cluster sees a client after its beats. What was strange stays so until somebody says that it is fine.</summary>
    private static ClientStanding After(ClientStanding before, Beat[] beats, long nowMs)
    {
        var due = Rhythm.DueMs(beats);
        return before with
        {
            LastBackupMs = beats.Length > 0 ? beats[0].LastMs : before.LastBackupMs,
            UsualMs = Rhythm.UsualMs(beats),
            DueMs = due,
            OverdueSinceMs = due <= nowMs ? before.OverdueSinceMs : null,
            // Said once: what comes after it is no news until somebody has looked.
            Unusual = before.Unusual ?? Rhythm.Unusual(beats, before.FineUpToMs),
        };
    }

    private async Task<ClientStanding> ChangeAsync(ClientId client, Func<ClientStanding, ClientStanding> change, CancellationToken ct)
    {
        for (var attempt = 0; attempt < AttemptsMax; attempt++)
        {
            var text = (await metadata.ReadHashAsync(Keys.Standings, [client.ToString()], ct))[0];
            var before = text is null ? new ClientStanding(client) : Parse(text);
            var now = change(before);
            if (text is not null && now == before)
                return now;
            var call = new ScriptCall(Script.JudgeClient).Key(Keys.Events, Keys.EventSequence, Keys.Standings, Keys.Due, Keys.Overdue, Keys.Unusual)
                .Arg(EventLog.EventsKept).Arg(client.ToString()).Arg(text ?? "").Arg(JsonSerializer.Serialize(now, WireJson.Default.ClientStanding))
                .Arg(now.DueMs?.ToString(CultureInfo.InvariantCulture) ?? "-").Arg(now.OverdueSinceMs is null ? "0" : "1").Arg(now.Unusual is null ? "0" : "1");
            foreach (var (kind, severity, message) in RunText.Since(before, now))
                call.Arg(events.Line(kind, severity, client.ToString(), message));
            if ((await metadata.RunAsync(call, ct))[0].Text == "ok")
                return now;
        }
        throw new Failure(FailureCode.Busy, "This client tells of many runs at the same time.", "manager", "Try again.").Exception();
    }

    private static string WhatFailed(ClientId client, RunReport report) => report.Kind == RunKind.Drill
        ? $"A drill of client {client} brought {report.Counts.Failed} of {report.Counts.Same + report.Counts.Failed} files not back as they were stored."
        : $"A verification of client {client} found {report.Counts.Failed} of {report.Counts.Same + report.Counts.Failed} copies that are not good.";

    private static void Check(RunReport report)
    {
        var counts = report.Counts;
        if (report.Id.Length != IdChars || !report.Id.All(char.IsAsciiHexDigitLower))
            throw Failure.InvalidRequest($"A run is named by {IdChars} hex digits.").Exception();
        if (!Enum.IsDefined(report.Kind) || !Enum.IsDefined(report.Outcome))
            throw Failure.InvalidRequest("There is no such kind or outcome of a run.").Exception();
        if (new[] { counts.Added, counts.Changed, counts.Deleted, counts.Same, counts.Failed, counts.BytesRead, counts.BytesSent }.Any(count => count is < 0 or > 1L << 60))
            throw Failure.InvalidRequest("What a run came to is counted from 0 up.").Exception();
        if (report.Message?.Length > RunReport.MessageCharsMax || (report.TraceId is { } trace && (trace.Length != IdChars || !trace.All(char.IsAsciiHexDigitLower))))
            throw Failure.InvalidRequest($"A message has at most {RunReport.MessageCharsMax} characters, and a trace's id {IdChars} hex digits.").Exception();
    }

    private static ClientStanding Parse(string text) => JsonSerializer.Deserialize(text, WireJson.Default.ClientStanding)!;
}
