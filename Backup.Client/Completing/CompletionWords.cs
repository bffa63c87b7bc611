using System.CommandLine;

namespace Backup.Client;

/// <summary>What may follow one command.</summary>
/// <param name="Path">"", "cluster", "cluster drain".</param>
/// <param name="Commands">Name and description of each below it.</param>
/// <param name="Options">Every name of each, what it does, and whether a value follows.</param>
internal sealed record CompletionWords(string Path, IReadOnlyList<(string Name, string Text)> Commands, IReadOnlyList<(string[] Names, string Text, bool TakesValue)> Options)
{
    /// <summary>Of a command and all below it.</summary>
    public static IReadOnlyList<CompletionWords> Of(Command root)
    {
        var all = new List<CompletionWords>();
        Add(root, "", [.. root.Options.Where(option => option.Recursive)], all);
        return all;
    }

    private static void Add(Command command, string path, Option[] everywhere, List<CompletionWords> all)
    {
        all.Add(new CompletionWords(path, [.. command.Subcommands.Select(below => (below.Name, below.Description ?? ""))],
            [.. command.Options.Concat(everywhere).Distinct().Select(option => ((string[])[option.Name, .. option.Aliases], option.Description ?? "", TakesValue(option)))]));
        foreach (var below in command.Subcommands)
            Add(below, path.Length == 0 ? below.Name : $"{path} {below.Name}", everywhere, all);
    }

    private static bool TakesValue(Option option) => option.ValueType != typeof(bool) && option.ValueType != typeof(void) && option.Arity.MaximumNumberOfValues > 0;
}
