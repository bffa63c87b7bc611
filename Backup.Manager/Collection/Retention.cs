using System.Text;
using Backup.Manager.Redis;
using Backup.Protocol;

namespace Backup.Manager.Collection;

/// <summary>What a policy would keep and drop of a client's past. It tells; it does not drop anything yet.</summary>
public sealed class Retention(Snapshots snapshots, Names names, Metadata metadata, TimeProvider time)
{
    public async Task<RetentionReply> RetainAsync(ClientId client, RetentionRequest request, CancellationToken ct)
    {
        var policy = request.Policy;
        if (new[] { policy.Last, policy.Hourly, policy.Daily, policy.Weekly, policy.Monthly, policy.Yearly }.Any(count => count < 0))
            throw Failure.InvalidRequest("A policy counts from 0 up.").Exception();
        if (request.Apply)
            throw new Failure(FailureCode.VersionUnsupported, "This cluster only previews retention; it keeps every version.", "manager", "Use preview.").Exception();

        var all = await snapshots.ListAsync(client, ct);
        var (kept, dropped) = RetentionPlan.Sort(all, policy, time.GetUtcNow().ToUnixTimeMilliseconds());
        var (versions, bytes) = await ExpiredAsync(client, [.. kept.Select(k => k.Snapshot.TimeMs).Order()], all.Length == 0 ? 0 : all[^1].TimeMs, ct);
        return new RetentionReply([.. kept], [.. dropped], versions, bytes, UndoUntilMs: 0);
    }

    /// <summary>Goes through all names of the client, a page at a time.</summary>
    private async Task<(long Versions, long Bytes)> ExpiredAsync(ClientId client, long[] keptMs, long newestMs, CancellationToken ct)
    {
        long versions = 0, bytes = 0;
        byte[] from = [];
        while (true)
        {
            var (page, _) = await names.ReadAsync(client, from, after: from.Length > 0, [], Limits.ListPageMax, ct);
            RootedPath[] paths = [.. page.Select(name => RootedPath.Parse(name))];
            var values = await metadata.ReadManyAsync([.. paths.Select(path => Keys.File(client, path))], ct);
            foreach (var (path, value) in paths.Zip(values))
            {
                foreach (var expired in value is null ? [] : RetentionPlan.Expired(FileLines.All(path, value), keptMs, newestMs))
                    (versions, bytes) = (versions + 1, bytes + expired.SizeBytes);
            }
            if (page.Length < Limits.ListPageMax)
                return (versions, bytes);
            from = Encoding.UTF8.GetBytes(page[^1]);
        }
    }
}
