using Backup.Protocol;
using MAB.DotIgnore;

namespace Backup.Client;

/// <summary>What is left out of a backup: patterns as in a .gitignore, from the configuration and from the root's own file.</summary>
internal sealed class IgnoreRules
{
    public const string FileName = ".backupignore";

    private readonly IgnoreList? rules;

    private IgnoreRules(IgnoreList? rules) => this.rules = rules;

    public static IgnoreRules None { get; } = new(null);

    /// <param name="exclude">Patterns of what to leave out.</param>
    /// <param name="include">Patterns of what to keep all the same.</param>
    /// <exception cref="FailureException">A pattern, or the root's file, is unusable.</exception>
    public static IgnoreRules For(string root, IEnumerable<string> exclude, IEnumerable<string> include)
    {
        var lines = new List<string>(exclude);
        lines.AddRange(include.Select(pattern => "!" + pattern));
        var file = Path.Join(root, FileName);
        try
        {
            if (File.Exists(file))
                lines.AddRange(File.ReadLines(file));
            lines.RemoveAll(line => string.IsNullOrWhiteSpace(line) || line.StartsWith('#'));
            return lines.Count == 0 ? None : new IgnoreRules(new IgnoreList(lines, MatchFlags.PATHNAME));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // Backing up what was to be left out would be as wrong as leaving out what was to be kept.
            throw new Failure(FailureCode.LocalFailed, $"The exclude patterns cannot be used: {e.Message.TrimEnd('.')}.", "client",
                $"Correct 'exclude' in backup.json, or {FileName} in the root.").Exception(e);
        }
    }

    /// <param name="path">Relative to the root. Its parents are not excluded: nobody walks into excluded folders.</param>
    public bool Excludes(string path, bool isFolder) => rules is not null && rules.IsIgnored(path, isFolder);
}
