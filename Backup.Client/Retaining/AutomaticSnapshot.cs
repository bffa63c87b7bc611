using System.Globalization;
using Backup.Protocol;

namespace Backup.Client;

/// <summary>The name that a backup of the whole root gives to what is stored when it has ended.</summary>
internal static class AutomaticSnapshot
{
    /// <summary>No colons, which would make it a time, and no file system minds it.</summary>
    private const string Form = "yyyy-MM-dd'T'HH.mm.ss'Z'";

    /// <param name="newestMs">When the newest version was stored, if this backup stored nothing: a snapshot of then or later does. Null when it did.</param>
    /// <returns>Null when there is one that shows the same.</returns>
    /// <exception cref="FailureException">The cluster did not make it.</exception>
    public static async Task<Snapshot?> MakeAsync(ClusterConnection cluster, long? newestMs, TimeProvider time, CancellationToken ct)
    {
        var there = await cluster.SnapshotsAsync(ct);
        if (newestMs is { } newest && there.Any(snapshot => snapshot.TimeMs >= newest))
            return null;
        // Chosen once: asked again after a lost answer, the cluster finds the snapshot that it made.
        var request = new SnapshotRequest(NameFor(time.GetUtcNow(), there.Select(snapshot => snapshot.Name)), Automatic: true);
        return await cluster.AskAsync(node => node.SnapshotAsync(cluster.Client, request, ct), ct);
    }

    /// <summary>"2026-11-24T04.30.05Z", and with "-2" and so on when that is taken.</summary>
    public static string NameFor(DateTimeOffset now, IEnumerable<string> taken)
    {
        var name = now.UtcDateTime.ToString(Form, CultureInfo.InvariantCulture);
        var others = taken.Where(other => other.StartsWith(name, StringComparison.Ordinal)).ToHashSet(StringComparer.Ordinal);
        var free = name;
        for (var i = 2; others.Contains(free); i++)
            free = $"{name}-{i}";
        return free;
    }
}
