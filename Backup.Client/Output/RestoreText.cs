using Backup.Protocol;

namespace Backup.Client;

/// <summary>What a restore came to, in a line.</summary>
internal static class RestoreText
{
    public static string Line(RestoreSummary summary)
    {
        var seconds = summary.ElapsedMs / 1000.0;
        var line = $"{(summary.DryRun ? "would restore" : "restored")} {Sizes.FilesAndFolders(summary.Restored, summary.Folders)}, {Sizes.Bytes(summary.Bytes)}, to {RootedPath.Escape(summary.To)}";
        if (!summary.DryRun)
            line += $" in {Sizes.Time(TimeSpan.FromSeconds(seconds))}";
        if (summary.There > 0)
            line += $"; {Sizes.Count(summary.There, "file was", "files were")} there already";
        return summary.Failed == 0 ? line : line + $"; {Sizes.Count(summary.Failed, "file was", "files were")} not restored, named above";
    }
}
