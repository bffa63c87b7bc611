using Backup.Protocol;
using MAB.DotIgnore;

namespace Backup.Client;

/// <summary>A pattern that stored paths match: as in a .gitignore, and nothing in it negates or comments.</summary>
internal sealed class StoredPattern
{
    private static readonly char[] Special = ['*', '?', '[', '\\'];

    private readonly IgnoreList rules;

    /// <exception cref="FailureException">It is no pattern.</exception>
    public StoredPattern(string pattern, bool ignoreCase)
    {
        if (string.IsNullOrWhiteSpace(pattern))
            throw Failure.InvalidRequest("The pattern is empty.").Exception();
        if (pattern[0] == '!')
            throw new Failure(FailureCode.InvalidRequest, "A pattern that starts with '!' would mean all other files.", "client", "Write '?' for the '!' of a name.").Exception();
        if (pattern.StartsWith("./", StringComparison.Ordinal))
            pattern = pattern[1..];
        try
        {
            rules = new IgnoreList([pattern[0] == '#' ? "\\" + pattern : pattern], ignoreCase ? MatchFlags.PATHNAME | MatchFlags.CASEFOLD : MatchFlags.PATHNAME);
        }
        catch (ArgumentException e)
        {
            throw Failure.InvalidRequest($"'{RootedPath.Escape(pattern)}' is no pattern: {e.Message.TrimEnd('.')}.").Exception(e);
        }
        Prefix = ignoreCase ? "" : PrefixOf(pattern);
    }

    /// <summary>What every path that matches starts with: nothing else needs to be listed.</summary>
    public string Prefix { get; }

    public bool Matches(string path, bool isFolder) => rules.IsIgnored(path, isFolder);

    /// <summary>A slash before the pattern's end ties it to the root; up to the last one before anything special it is plain text.</summary>
    private static string PrefixOf(string pattern)
    {
        var special = pattern.IndexOfAny(Special);
        var plain = special < 0 ? pattern.TrimEnd('/') : pattern[..special];
        return plain[..(plain.LastIndexOf('/') + 1)].TrimStart('/');
    }
}
