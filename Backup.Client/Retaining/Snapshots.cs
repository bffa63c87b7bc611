using Backup.Protocol;

namespace Backup.Client;

/// <summary>Named moments of a client.</summary>
internal static class Snapshots
{
    /// <summary>Oldest first.</summary>
    public static async Task<Snapshot[]> SnapshotsAsync(this ClusterConnection cluster, CancellationToken ct) =>
        (await cluster.AskAsync(node => node.SnapshotsAsync(cluster.Client, ct), ct)).Snapshots;

    /// <summary>Names a moment, or pins longer what has that name.</summary>
    /// <exception cref="FailureException">The name would be taken for a time, or the cluster refuses it.</exception>
    public static async Task<Snapshot> NameAsync(Session session, string name, long? atMs, long? pinnedUntilMs, CancellationToken ct)
    {
        // A time goes before a name wherever either may stand: such a snapshot could never be asked for.
        if (Times.Find(name, session.Surroundings.Time) is not null)
            throw Failure.InvalidRequest($"'{RootedPath.Escape(name)}' means a time and cannot name a snapshot.").Exception();
        var cluster = session.ConnectToRead();
        return await cluster.AskAsync(node => node.SnapshotAsync(cluster.Client, new SnapshotRequest(name, atMs, Automatic: false, pinnedUntilMs), ct), ct);
    }

    /// <summary>Takes a name away. What it showed stays until retention finds that nothing shows it any more.</summary>
    /// <exception cref="FailureException">There is none of that name, or it is pinned.</exception>
    public static async Task DeleteAsync(Session session, string name, CancellationToken ct)
    {
        var cluster = session.ConnectToRead();
        if (!(await cluster.SnapshotsAsync(ct)).Any(snapshot => snapshot.Name == name))
            throw Missing(name).Exception();
        await cluster.AskAsync(node => node.DeleteSnapshotAsync(cluster.Client, new SnapshotDeleteRequest(name), ct), ct);
    }

    public static Failure Missing(string name) =>
        new(FailureCode.NotFound, $"There is no snapshot '{RootedPath.Escape(name)}'.", "client", "`snapshot list` shows those there are.");
}
