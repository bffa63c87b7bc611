using Backup.Protocol;

namespace Backup.Client;

/// <summary>Looks at the root: whether it is there, whether all of it can be read, whose it is.</summary>
internal static class RootCheck
{
    private const string Area = "root";
    private const int NamedMax = 5;

    public static IEnumerable<Finding> Find(Session session)
    {
        if (session.Settings.File is { } file)
            yield return Finding.Fine(Area, "settings", $"from {file}{(session.Choices.Root is null && session.Surroundings.Variable("BACKUP_ROOT") is null ? "" : ", but for the root and its patterns")}");
        if (session.Settings.Root is not { } root)
        {
            yield return new Finding(Area, "root", FindingState.Wrong, "no root directory is named", "Run `init`, or name one with --root DIR, BACKUP_ROOT, or \"root\" in backup.json.");
            yield break;
        }
        foreach (var finding in Content(session, root))
            yield return finding;
        yield return session.KnownClient is { } client ? Finding.Fine(Area, "client", $"known as {client}")
            : new Finding(Area, "client", FindingState.Notice, "it has not been backed up from this machine", "Run `backup`; or name the client of another machine with --client ID.");
    }

    private static IEnumerable<Finding> Content(Session session, string root)
    {
        var unreadable = new List<Failure>();
        long files = 0, folders = 0, bytes = 0;
        Finding? wrong = null;
        try
        {
            foreach (var file in new Scanner(session.Root, session.IgnoreRules(), unreadable.Add).Scan())
            {
                bytes += file.Stat.SizeBytes;
                if (file.Kind == VersionKind.Folder)
                    folders++;
                else
                    files++;
            }
        }
        catch (FailureException e)
        {
            wrong = new Finding(Area, "root", FindingState.Wrong, e.Failure.Message, e.Failure.Advice);
        }
        if (wrong is not null)
        {
            yield return wrong;
            yield break;
        }
        yield return files + folders == 0
            ? new Finding(Area, "root", FindingState.Notice, $"{RootedPath.Escape(root)} is empty", "Is its disk mounted?")
            : Finding.Fine(Area, "root", $"{RootedPath.Escape(root)}: {Sizes.FilesAndFolders(files, folders)}, {Sizes.Bytes(bytes)}");
        if (unreadable.Count == 0)
            yield break;
        var named = string.Join(" ", unreadable.Take(NamedMax).Select(failure => RootedPath.Escape(failure.Message)));
        yield return new Finding(Area, "readable", FindingState.Notice, $"{Sizes.Count(unreadable.Count, "name")} cannot be backed up: {named}{(unreadable.Count > NamedMax ? " …" : "")}",
            "Make them readable, or exclude them in .backupignore; a backup names them all and ends with 3.");
    }
}
