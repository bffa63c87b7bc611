using Backup.Protocol;

namespace Backup.Client;

/// <summary>
/// The byte order of paths in UTF-8, in which the cluster lists them. It is the order of code points; UTF-16's differs only
/// where a surrogate meets one of the few characters above them.
/// </summary>
internal sealed class PathOrder : IComparer<string>
{
    public static readonly PathOrder Instance = new();

    private const char SurrogatesStart = '\uD800';
    private const char SurrogatesEnd = '\uDFFF';

    public static int Compare(RootedPath left, RootedPath right) => Instance.Compare(left.Value, right.Value);

    public int Compare(string? left, string? right)
    {
        var l = left.AsSpan();
        var r = right.AsSpan();
        var same = l.CommonPrefixLength(r);
        if (same == l.Length || same == r.Length)
            return l.Length - r.Length;
        return Rank(l[same]) - Rank(r[same]);
    }

    private static int Rank(char c) => c < SurrogatesStart ? c : c <= SurrogatesEnd ? c + 0x10000 : c;
}
