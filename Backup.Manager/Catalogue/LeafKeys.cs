using Backup.Manager.Redis;
using Backup.Protocol;

namespace Backup.Manager;

/// <summary>The leaves that a script's names lie in, each declared once among the call's keys.</summary>
public sealed class LeafKeys(ScriptCall call, ClientId client, NameLeaves leaves)
{
    private readonly Dictionary<int, int> indexes = [];

    /// <summary>The key at an index that <see cref="IndexOf"/> gave out.</summary>
    public string this[int index] => call.KeyAt(index);

    /// <summary>The index of a name's leaf in KEYS, counted from 1 as Lua does.</summary>
    public int IndexOf(RootedPath path)
    {
        var leaf = leaves.LeafOf(path.Value);
        if (!indexes.TryGetValue(leaf, out var index))
            indexes[leaf] = index = call.AddKey(Keys.Leaf(client, leaf));
        return index;
    }
}
