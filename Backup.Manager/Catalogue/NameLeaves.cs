using System.Text;

namespace Backup.Manager;

/// <summary>
/// In which leaf a client's names lie. Leaf 0 starts at the empty name, leaf i at the i-th entry of a list in Redis that only
/// grows; entries begin with something unique, so that length and last entry stand for the whole list. A manager may hold an
/// old copy: each script that uses leaves checks these two and says when they have moved on.
/// Names are kept in leaves because Garnet searches a sorted set by name from its start: 140 ms with a million names.
/// </summary>
public sealed class NameLeaves
{
    /// <summary>Names in a leaf above which it is split. Searching so many takes Garnet less than 0.1 ms, about what the call itself costs.</summary>
    public const int NamesMax = 512;

    /// <summary>Names in each part of a split: half of <see cref="NamesMax"/>, so that it is not split again at once.</summary>
    public const int NamesTarget = NamesMax / 2;

    private readonly (byte[] First, int Leaf)[] byName;

    private NameLeaves((byte[], int)[] byName, byte[] last)
    {
        this.byName = byName;
        Last = last;
    }

    /// <summary>One leaf, for a client without a list.</summary>
    public static NameLeaves None { get; } = new([([], 0)], []);

    /// <summary>Entries of the list.</summary>
    public int Count => byName.Length - 1;

    /// <summary>The last entry as Redis holds it; empty when there is none.</summary>
    public byte[] Last { get; }

    /// <summary>This and the entries that have come since.</summary>
    public NameLeaves With(byte[][] entries)
    {
        if (entries.Length == 0)
            return this;
        var all = new List<(byte[] First, int Leaf)>(byName);
        foreach (var entry in entries)
            all.Add((entry[(Array.IndexOf(entry, (byte)' ') + 1)..], all.Count));
        all.Sort((a, b) => a.First.AsSpan().SequenceCompareTo(b.First));
        return new NameLeaves([.. all], entries[^1]);
    }

    /// <summary>The leaf of a name.</summary>
    public int LeafOf(string name) => byName[PositionOf(Encoding.UTF8.GetBytes(name))].Leaf;

    /// <summary>The leaves in which names from the first bound to the other may lie, in the order of their names.</summary>
    public IEnumerable<int> Between(byte[] from, byte[] to)
    {
        var first = PositionOf(from);
        return byName[first..(Math.Max(first, PositionOf(to)) + 1)].Select(entry => entry.Leaf);
    }

    private int PositionOf(byte[] name)
    {
        var (low, high) = (0, byName.Length - 1);
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (byName[middle].First.AsSpan().SequenceCompareTo(name) <= 0)
                low = middle;
            else
                high = middle - 1;
        }
        return low;
    }
}
