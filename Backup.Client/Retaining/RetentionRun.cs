using Backup.Protocol;

namespace Backup.Client;

/// <summary>Retention as the commands and the menu run it.</summary>
internal static class RetentionRun
{
    public static async Task<RetentionReply> RetainAsync(Session session, RetentionPolicy policy, bool apply, CancellationToken ct)
    {
        Check(policy);
        var cluster = session.ConnectToRead();
        var all = await AskAsync(null);
        while (all.Next is not null)
        {
            var more = await AskAsync(all.Next);
            all = more with
            {
                Dropped = [.. all.Dropped.Concat(more.Dropped).DistinctBy(snapshot => snapshot.Name)],
                Versions = all.Versions + more.Versions,
                Bytes = all.Bytes + more.Bytes,
                // All of it comes back until the first of it goes.
                UndoUntilMs = all.UndoUntilMs == 0 ? more.UndoUntilMs : all.UndoUntilMs,
            };
        }
        return all;

        Task<RetentionReply> AskAsync(string? after) =>
            cluster.AskAsync(node => node.RetainAsync(cluster.Client, new RetentionRequest(policy, apply, after), ct), ct);
    }

    public static Task<UndoReply> UndoAsync(Session session, CancellationToken ct)
    {
        var cluster = session.ConnectToRead();
        return cluster.AskAsync(node => node.UndoRetentionAsync(cluster.Client, ct), ct);
    }

    /// <exception cref="FailureException">It keeps nothing: more likely forgotten than meant.</exception>
    private static void Check(RetentionPolicy policy)
    {
        int[] counts = [policy.Last, policy.Hourly, policy.Daily, policy.Weekly, policy.Monthly, policy.Yearly];
        if (counts.Any(count => count < 0))
            throw Failure.InvalidRequest("A number of snapshots to keep is negative.").Exception();
        if (counts.All(count => count == 0))
            throw new Failure(FailureCode.InvalidRequest, "Nothing says what to keep.", "client",
                "Name at least one, for instance --keep-daily 7; or put \"retention\": {\"daily\": 7} into backup.json.").Exception();
    }
}
