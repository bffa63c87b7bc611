using Backup.Protocol;

namespace Backup.Client;

/// <summary>What can be wrong with a file of the root, in words.</summary>
internal static class SourceFailures
{
    public static Failure Unreadable(string path, string why) => new(FailureCode.SourceUnreadable,
        $"'{RootedPath.Escape(path)}' cannot be read: {why}.", path, "It was not backed up; make it readable, or exclude it.");

    public static Failure Special(string path, string what) => new(FailureCode.SourceUnreadable,
        $"'{RootedPath.Escape(path)}' is a {what}: it has no content to keep.", path, "It was not backed up; exclude it to silence this.");

    public static Failure BadName(string path, string wrong) => new(FailureCode.InvalidPath,
        $"'{RootedPath.Escape(Shorten(path))}' has a name that cannot be kept: {wrong}.", path, "It was not backed up; rename it.");

    public static Failure Changed(string path) => new(FailureCode.SourceChanged,
        $"'{RootedPath.Escape(path)}' changed while it was read.", path, "What was read is stored; back it up again when nobody writes to it.");

    public static Failure Outside(string argument, string root) => new(FailureCode.InvalidPath,
        $"'{RootedPath.Escape(argument)}' is not inside the root '{RootedPath.Escape(root)}'.", "client",
        "Only files inside the root can be sent; choose another root with --root DIR.");

    public static Failure NoRoot(string root, string why) => new(FailureCode.SourceUnreadable,
        $"The root '{RootedPath.Escape(root)}' cannot be read: {why}.", "client", "Name an existing folder with --root DIR, BACKUP_ROOT or in backup.json.");

    private static string Shorten(string text) => text.Length <= 200 ? text : text[..200] + "…";
}
