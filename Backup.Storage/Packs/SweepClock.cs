namespace Backup.Storage.Packs;

/// <summary>
/// Numbers the sweeps and knows which batches are open. A batch relies on every record that it found held; it took the note
/// away from those that were noted. So a note that was made before each open batch began is one that none of them met,
/// and one made later may stand on a record that an open batch has found held before: that one must wait.
/// </summary>
internal sealed class SweepClock(long last)
{
    private readonly Dictionary<PackBatch, long> open = [];
    private readonly Lock gate = new();
    private long sweep = last;

    public void Enter(PackBatch batch)
    {
        lock (gate)
            open.Add(batch, sweep);
    }

    public void Leave(PackBatch batch)
    {
        lock (gate)
            open.Remove(batch);
    }

    /// <summary>Begins a sweep, before it looks at the first manifest.</summary>
    /// <returns>Its number, and the sweep before which a note must have been made for its record to be removed now.</returns>
    public (long Sweep, long Horizon) Next()
    {
        lock (gate)
        {
            sweep++;
            return (sweep, open.Values.Append(sweep).Min());
        }
    }
}
