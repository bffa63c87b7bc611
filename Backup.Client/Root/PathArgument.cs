using Backup.Protocol;

namespace Backup.Client;

/// <summary>
/// What a path on the command line means. An absolute one must lie inside the root. A relative one is taken from the current
/// folder where that lands inside the root, else from the root itself: `backup report.pdf` works from anywhere.
/// </summary>
internal static class PathArgument
{
    /// <param name="root">The root, links resolved, as the current folder is.</param>
    /// <param name="rootAsGiven">The root as the person calls it, under which absolute paths may name it too.</param>
    /// <returns>The path inside the root; the empty string for the root itself.</returns>
    /// <exception cref="FailureException">It lies outside, or is no path.</exception>
    public static string Resolve(string argument, string root, string rootAsGiven, string currentFolder)
    {
        if (argument.Length == 0)
            throw Failure.InvalidPath(argument, "it is empty").Exception();
        if (argument.Contains('\0'))
            throw Failure.InvalidPath(argument, "it contains a NUL character").Exception();
        var fromHere = Path.GetFullPath(argument, currentFolder);
        var inside = Beneath(root, fromHere) ?? Beneath(rootAsGiven, fromHere);
        if (inside is null && !Path.IsPathRooted(argument))
            inside = Beneath(root, Path.GetFullPath(argument, root));
        return inside switch
        {
            null => throw SourceFailures.Outside(argument, rootAsGiven).Exception(),
            "" => "",
            _ => RootedPath.Parse(inside).Value,
        };
    }

    /// <summary>Whether a symlink of the root leads out of it, by its words alone: nothing on the disk is looked at.</summary>
    public static bool LeadsOutside(RootedPath link, string target, string root)
    {
        // NUL cannot stand in a link; an empty one leads nowhere.
        if (target.Length == 0 || target.Contains('\0'))
            return false;
        var folder = Path.GetDirectoryName(Path.Join(root, link.Value))!;
        return Beneath(root, Path.GetFullPath(target, folder)) is null;
    }

    private static string? Beneath(string root, string full)
    {
        full = Path.TrimEndingDirectorySeparator(full);
        var folder = root.EndsWith('/') ? root : root + "/";
        if (full == root || full + "/" == folder)
            return "";
        return full.StartsWith(folder, StringComparison.Ordinal) ? full[folder.Length..] : null;
    }
}
