using Backup.Protocol;
using StackExchange.Redis;

namespace Backup.Manager.Redis;

/// <summary>The keys and arguments of one call of a script, in its order.</summary>
public sealed class ScriptCall(Script script)
{
    private readonly List<RedisKey> keys = [];
    private readonly List<RedisValue> args = [];

    public Script Script => script;

    /// <summary>How many files, nodes or names the call is about; noted on its span.</summary>
    public int Count { get; init; } = 1;

    internal RedisKey[] Keys => [.. keys];

    internal RedisValue[] Args => [.. args];

    /// <summary>Declares keys.</summary>
    public ScriptCall Key(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            keys.Add(name);
        return this;
    }

    /// <summary>Declares one more key.</summary>
    /// <returns>Its index in KEYS, counted from 1 as Lua does.</returns>
    public int AddKey(string name)
    {
        keys.Add(name);
        return keys.Count;
    }

    /// <summary>Declares the key of where content lies that begins with this chunk, for files that are placed beside their content.</summary>
    /// <returns>Its index as of <see cref="AddKey"/>; 0 for a file that goes by fewest files alone.</returns>
    public int AddHint(ClientId client, long sizeBytes, ChunkId? firstChunk) =>
        sizeBytes >= Limits.HintBytesMin && firstChunk is { } chunk ? AddKey(Redis.Keys.First(client, chunk)) : 0;

    /// <summary>The key at an index that <see cref="AddKey"/> gave out.</summary>
    public string KeyAt(int index) => keys[index - 1].ToString();

    public ScriptCall Arg(string text)
    {
        args.Add(text);
        return this;
    }

    public ScriptCall Arg(long number)
    {
        args.Add(number);
        return this;
    }

    public ScriptCall Arg(byte[] bytes)
    {
        args.Add(bytes);
        return this;
    }
}
