using System.Text;
using Backup.Manager.Alarms;
using Backup.Manager.Redis;
using Backup.Protocol;
using Microsoft.Extensions.Options;

namespace Backup.Manager.Collection;

/// <summary>
/// What a policy keeps and drops of a client's past, by the cluster's clock. ① It sorts the snapshots, ② takes the names of those
/// that go away, ③ goes through the client's names a page at a time and drops the versions that no kept moment shows.
/// In this order a crash leaves versions that nothing shows, which the next run drops, and never a moment that is not whole.
/// </summary>
public sealed class Retention(Snapshots snapshots, Drops drops, Names names, ClientRuns runs, Metadata metadata, TimeProvider time, IOptions<ClusterOptions> options)
{
    /// <summary>Times it begins anew because a snapshot was made or pinned meanwhile: each is a new plan over all names.</summary>
    private const int AttemptsMax = 5;

    /// <summary>Versions dropped by one call, which holds up all others of Redis: of a page of names that were stored every hour for months there are millions.</summary>
    public const int VersionsPerCallMax = 2_000;

    /// <summary>Names looked at for one answer, which is waited for some seconds.</summary>
    public const int NamesPerAnswerMax = 10 * Limits.ListPageMax;

    /// <summary>The same of versions dropped.</summary>
    private const int VersionsPerAnswerMax = 50 * VersionsPerCallMax;

    public async Task<RetentionReply> RetainAsync(ClientId client, RetentionRequest request, CancellationToken ct)
    {
        var policy = request.Policy;
        if (new[] { policy.Last, policy.Hourly, policy.Daily, policy.Weekly, policy.Monthly, policy.Yearly }.Any(count => count < 0))
            throw Failure.InvalidRequest("A policy counts from 0 up.").Exception();
        if (request.After is { Length: > 0 } after && !RootedPath.TryParse(after, null, out _))
            throw Failure.InvalidRequest("Retention goes on after a path.").Exception();
        var done = new RetentionReply([], [], 0, 0, 0);
        for (var attempt = 0; attempt < AttemptsMax; attempt++)
        {
            if (request.Apply)
                await runs.RequireUsualAsync(client, ct);
            var nowMs = time.GetUtcNow().ToUnixTimeMilliseconds();
            var (all, moments) = await snapshots.ReadAsync(client, ct);
            var (kept, dropped) = RetentionPlan.Sort(all, policy, nowMs); // ①
            if (all.Length == 0)
                return done;
            var drop = request.Apply ? new Drop(client, moments, nowMs + (long)options.Value.UndoTime.TotalMilliseconds) : null;
            if (drop is not null && !await drops.TakeSnapshotsAsync(drop, dropped, ct)) // ②
                continue;
            done = done with { Kept = [.. kept], Dropped = [.. done.Dropped, .. dropped] };
            var expired = await ExpireAsync(client, drop, request.After ?? "", [.. kept.Select(k => k.Snapshot.TimeMs).Order()], all[^1].TimeMs, ct); // ③
            done = done with { Versions = done.Versions + expired.Versions, Bytes = done.Bytes + expired.Bytes, UndoUntilMs = drop?.UntilMs ?? 0, Next = expired.Next };
            if (!expired.HasChanged)
                return done.Dropped.Length == 0 && done.Versions == 0 ? done with { UndoUntilMs = 0 } : done;
        }
        throw new Failure(FailureCode.Busy, "Snapshots of this client are made all the time while its past is looked through.", "manager",
            "Try again when no backup runs; what was dropped so far can be brought back.").Exception();
    }

    /// <summary>Goes through names of the client, a page at a time, as far as one answer may.</summary>
    /// <param name="drop">Null only counts.</param>
    /// <param name="after">Names behind this one.</param>
    /// <returns>Whether the snapshots are others by now; else where it ended, null at the last name.</returns>
    private async Task<(bool HasChanged, long Versions, long Bytes, string? Next)> ExpireAsync(
        ClientId client, Drop? drop, string after, long[] keptMs, long newestMs, CancellationToken ct)
    {
        long versions = 0, bytes = 0;
        for (var seen = 0; ;)
        {
            var (page, _) = await names.ReadAsync(client, Encoding.UTF8.GetBytes(after), after: after.Length > 0, [], Limits.ListPageMax, ct);
            RootedPath[] paths = [.. page.Select(name => RootedPath.Parse(name))];
            var values = await metadata.ReadManyAsync([.. paths.Select(path => Keys.File(client, path))], ct);
            FileVersion[] expired = [.. paths.Zip(values).Where(pair => pair.Second is not null)
                .SelectMany(pair => RetentionPlan.Expired(FileLines.All(pair.First, pair.Second!), keptMs, newestMs))];
            // A file's oldest go first: a tombstone goes only where nothing is left that it hides.
            foreach (var some in expired.Chunk(VersionsPerCallMax))
            {
                // What is left of this page is found again by who asks on.
                if (drop is not null && versions >= VersionsPerAnswerMax)
                    return (false, versions, bytes, after);
                var gone = drop is null ? (some.Length, some.Sum(version => version.SizeBytes)) : await drops.TakeVersionsAsync(drop, some, ct);
                if (gone is not { } counted)
                    return (true, versions, bytes, null);
                (versions, bytes) = (versions + counted.Item1, bytes + counted.Item2);
            }
            if (page.Length < Limits.ListPageMax)
                return (false, versions, bytes, null);
            after = page[^1];
            seen += page.Length;
            if (seen >= NamesPerAnswerMax)
                return (false, versions, bytes, after);
        }
    }
}
