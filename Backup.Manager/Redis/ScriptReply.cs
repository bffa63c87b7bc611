using Backup.Protocol;
using StackExchange.Redis;

namespace Backup.Manager.Redis;

/// <summary>What a script returned: text, bytes, a number, or a list of such. A wrong guess is a bug and throws.</summary>
public readonly struct ScriptReply
{
    private readonly RedisResult result;

    internal ScriptReply(RedisResult result) => this.result = result;

    public string Text => (string?)result ?? throw new InvalidOperationException("The script returned nothing where text stands.");

    public byte[] Bytes => (byte[]?)result ?? throw new InvalidOperationException("The script returned nothing where bytes stand.");

    public long Number => (long)result;

    public int Length => result.Length;

    public ScriptReply this[int index] => new(result[index]);

    public string[] Texts => (string[])result!;

    public byte[][] AllBytes => (byte[][])result!;

    /// <exception cref="FailureException">The script says, first of all, that the metadata is being rebuilt ("lost").</exception>
    public ScriptReply UnlessLost() => this[0].Text == "lost" ? throw Failure.Rebuilding.Exception() : this;

    /// <summary>Pairs of a hash or of members and scores.</summary>
    public IEnumerable<(string Name, string Value)> Pairs => Texts.Chunk(2).Select(pair => (pair[0], pair[1]));
}
