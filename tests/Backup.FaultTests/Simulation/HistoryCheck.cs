using Backup.Protocol;

namespace Backup.FaultTests.Simulation;

/// <summary>Compares what is listed in the end with what clients sent and were told.</summary>
/// <param name="moments">Of each client: when its snapshots are that are there now.</param>
internal sealed class HistoryCheck(Ledger ledger, IReadOnlyDictionary<ClientId, long[]> moments, bool isEmptied, Action<string> violation)
{
    /// <summary>I6, and the half of I2 that the metadata show: what is listed was sent, once, in the order that clients could see.</summary>
    public void Run(IReadOnlyDictionary<(ClientId Client, RootedPath Path), FileVersion[]> listed)
    {
        foreach (var ((client, path), versions) in listed)
        {
            var changes = versions.Select(version => version.MtimeNs is var id && id > 0 && id <= ledger.Changes.Count ? ledger.Changes[(int)id - 1] : null).ToArray();
            for (var i = 0; i < versions.Length; i++)
            {
                var (version, change) = (versions[i], changes[i]);
                if (change is null || change.Client != client || change.Path != path || change.Kind != version.Kind || change.SizeBytes != version.SizeBytes)
                    violation($"I7: version {version.Version} of {path} is listed and was never sent there");
                if (i > 0 && (versions[i - 1].Version >= version.Version || versions[i - 1].TimeMs > version.TimeMs))
                    violation($"I6: versions {versions[i - 1].Version} and {version.Version} of {path} are out of order");
            }
            foreach (var twice in changes.Where(change => change is not null).GroupBy(change => change!.Id).Where(group => group.Count() > 1))
                violation($"I6: change #{twice.Key} of {path} is there {twice.Count()} times");
            CheckAcknowledged([.. ledger.Acknowledged.Where(change => change.Client == client && change.Path == path)], versions);
        }
    }

    private void CheckAcknowledged(Change[] acknowledged, FileVersion[] versions)
    {
        foreach (var change in acknowledged)
        {
            var receipt = change.Receipt!;
            var version = Array.Find(versions, version => version.Version == receipt.Version);
            if (version is null && ledger.IsRetained(change.Client))
                CheckDropped(change, versions);
            else if (version is null || version.MtimeNs != change.Id || version.Digest != receipt.Digest || version.TimeMs != receipt.TimeMs)
                violation($"I6: change #{change.Id} of {change.Path} was acknowledged as version {receipt.Version} and is {(version is null ? "not listed" : "another")}");
        }
        foreach (var earlier in acknowledged)
        {
            foreach (var later in acknowledged.Where(later => later.BegunStep > earlier.EndedStep && later.Receipt!.Version <= earlier.Receipt!.Version))
                violation($"I6: #{later.Id} of {later.Path} began after #{earlier.Id} was acknowledged and has an older version");
        }
    }

    /// <summary>Retention may drop what is not current and what no moment that is left shows, and nothing comes back by that.</summary>
    private void CheckDropped(Change dropped, FileVersion[] versions)
    {
        // What was dropped before Redis was emptied is listed again where a node that was away still holds it.
        if (isEmptied)
            return;
        var receipt = dropped.Receipt!;
        foreach (var momentMs in moments[dropped.Client].Where(moment => moment >= receipt.TimeMs).Append(long.MaxValue))
        {
            var shown = versions.LastOrDefault(version => version.TimeMs <= momentMs);
            // A later deletion goes too where nothing is left that it hides. Of one that was not acknowledged nobody knows when it came.
            var isDeleted = ledger.Changes.Exists(later => later.Client == dropped.Client && later.Path == dropped.Path && later.Kind == VersionKind.Tombstone
                && (later.Receipt is not { } known || (known.Version > receipt.Version && known.TimeMs <= momentMs)));
            if (dropped.Kind == VersionKind.Tombstone ? shown is { Kind: VersionKind.File } && shown.Version < receipt.Version : (shown is null || shown.Version < receipt.Version) && !isDeleted)
                violation($"I6: retention dropped change #{dropped.Id}, version {receipt.Version} of {dropped.Path}, which {(momentMs == long.MaxValue ? "is current" : $"the moment {momentMs} shows")}; shown is {shown?.Version}");
        }
    }
}
