using Backup.Protocol;

namespace Backup.FaultTests.Simulation;

internal enum Outcome
{
    /// <summary>It has not ended, or failed: it may have been carried out.</summary>
    Unknown,
    Acknowledged,
}

/// <summary>One change of one file, as a client asked for it.</summary>
/// <param name="Id">Unique within a run; stored as the version's mtime, by which what comes back is known.</param>
/// <param name="Seed">Names the content.</param>
internal sealed record Change(int Id, ClientId Client, RootedPath Path, VersionKind Kind, int Seed, int SizeBytes, int BegunStep)
{
    public Outcome Outcome { get; set; }

    public Receipt? Receipt { get; set; }

    /// <summary>The number of the operation after which it was acknowledged: what began later comes later.</summary>
    public int EndedStep { get; set; } = int.MaxValue;

    public SourceFile Source() => Kind == VersionKind.Tombstone
        ? new SourceFile(Path, Kind, 0, Id, 0, null, null)
        : new SourceFile(Path, Kind, SizeBytes, Id, 0x1A4, null, () => new ClusterTests.Payload(Seed, SizeBytes));
}

/// <summary>What clients asked for and what they were told: the history that is checked.</summary>
internal sealed class Ledger
{
    private readonly Lock gate = new();
    private int step;

    public List<Change> Changes { get; } = [];

    public IEnumerable<Change> Acknowledged => Changes.Where(change => change.Outcome == Outcome.Acknowledged);

    private readonly HashSet<ClientId> retained = [];

    /// <summary>Whether retention was ever asked to drop what no moment of the client shows; the request may arrive late, too.</summary>
    public bool IsRetained(ClientId client)
    {
        lock (gate)
            return retained.Contains(client);
    }

    public void Retain(ClientId client)
    {
        lock (gate)
            retained.Add(client);
    }

    public Change[] AcknowledgedOf(ClientId client)
    {
        lock (gate)
            return [.. Changes.Where(change => change.Client == client && change.Kind == VersionKind.File && change.Outcome == Outcome.Acknowledged)];
    }

    public Change At(long id)
    {
        lock (gate)
            return Changes[(int)id - 1];
    }

    public Change Begin(ClientId client, RootedPath path, VersionKind kind, int seed, int sizeBytes)
    {
        lock (gate)
        {
            var change = new Change(Changes.Count + 1, client, path, kind, seed, sizeBytes, ++step);
            Changes.Add(change);
            return change;
        }
    }

    public void Acknowledge(Change change, Receipt receipt)
    {
        lock (gate)
        {
            change.EndedStep = ++step;
            change.Receipt = receipt;
            change.Outcome = Outcome.Acknowledged;
        }
    }
}
