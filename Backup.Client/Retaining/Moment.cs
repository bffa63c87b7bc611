using Backup.Protocol;

namespace Backup.Client;

/// <summary>What <c>--as-of</c> means: a time or, where the text is none, the snapshot of that name.</summary>
internal static class Moment
{
    /// <returns>Unix milliseconds.</returns>
    /// <exception cref="FailureException">It is neither.</exception>
    public static async Task<long> ResolveAsync(Session session, string text, CancellationToken ct)
    {
        if (Times.Find(text, session.Surroundings.Time) is { } time)
            return time;
        if (!CanBeName(text) || session.Settings.Root is null || session.KnownClient is null)
            return Times.Parse(text, session.Surroundings.Time);
        var snapshots = await session.ConnectToRead().SnapshotsAsync(ct);
        return snapshots.FirstOrDefault(snapshot => snapshot.Name == text)?.TimeMs ?? throw new Failure(FailureCode.InvalidRequest,
            $"'{RootedPath.Escape(text)}' is no time, and no snapshot has that name.", "client", $"Write a time as {Times.Help}; `snapshot list` shows the names.").Exception();
    }

    /// <summary>As the cluster takes names; what cannot be one is not asked for.</summary>
    private static bool CanBeName(string text) => text.Length is > 0 and <= 100 && text.All(c => char.IsAsciiLetterOrDigit(c) || "-_.:+".Contains(c));
}
