using Backup.Protocol;

namespace Backup.FaultTests.Simulation;

/// <summary>Takes what is restored and compares every byte with what was sent; a version's mtime says which change it was.</summary>
internal sealed class ComparingTarget(Ledger ledger, Action<string> violation) : IRestoreTarget
{
    private ClusterTests.Payload? payload;

    public HashSet<long> Completed { get; } = [];

    public Dictionary<long, Failure> Failures { get; } = [];

    public Stream? Begin(FileVersion version, ManifestHead head)
    {
        var change = ledger.At(version.MtimeNs);
        if (head.MtimeNs != version.MtimeNs || head.Path != change.Path || head.SizeBytes != change.SizeBytes)
            violation($"I1: the manifest of version {version.Version} of {version.Path} is not that of change #{change.Id}");
        return payload = new ClusterTests.Payload(change.Seed, change.SizeBytes);
    }

    public void Complete(FileVersion version, ManifestHead head)
    {
        if (payload!.Position != version.SizeBytes)
            violation($"I1: version {version.Version} of {version.Path} came back with {payload.Position} bytes of {version.SizeBytes}");
        Completed.Add(version.Version);
    }

    public void Failed(FileVersion version, Failure failure) => Failures[version.Version] = failure;
}
