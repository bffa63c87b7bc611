using Backup.Protocol;

namespace Backup.FaultTests.Simulation;

/// <summary>Compares what is listed in the end with what clients sent and were told.</summary>
internal sealed class HistoryCheck(Ledger ledger, Action<string> violation)
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
            if (version is null || version.MtimeNs != change.Id || version.Digest != receipt.Digest || version.TimeMs != receipt.TimeMs)
                violation($"I6: change #{change.Id} of {change.Path} was acknowledged as version {receipt.Version} and is {(version is null ? "not listed" : "another")}");
        }
        foreach (var earlier in acknowledged)
        {
            foreach (var later in acknowledged.Where(later => later.BegunStep > earlier.EndedStep && later.Receipt!.Version <= earlier.Receipt!.Version))
                violation($"I6: #{later.Id} of {later.Path} began after #{earlier.Id} was acknowledged and has an older version");
        }
    }
}
