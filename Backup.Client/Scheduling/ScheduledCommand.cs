using System.Security.Cryptography;
using System.Text;

namespace Backup.Client;

/// <summary>The command that a timer runs, such that it does what it would do if the person ran it here and now.</summary>
/// <param name="Words">The program first.</param>
/// <param name="Folder">Where it runs: the configuration file is found from there.</param>
internal sealed record ScheduledCommand(string Name, IReadOnlyList<string> Words, string Folder, string Root)
{
    private const int NameHashDigits = 8;

    public static ScheduledCommand Of(Session session)
    {
        var settings = session.Settings;
        var words = new List<string>(session.Surroundings.Command);
        // What comes from the file is left to the file: patterns belong to a root that the file names, and it may change.
        if (session.Choices.Root is not null || session.Surroundings.Variable("BACKUP_ROOT") is not null || settings.File is null)
            words.AddRange(["--root", session.RootPath]);
        if (session.Choices.Servers.Count > 0 || session.Surroundings.Variable("BACKUP_SERVERS") is not null)
        {
            foreach (var server in settings.Servers)
                words.AddRange(["--server", server.OriginalString]);
        }
        if (session.Choices.Client is { } client)
            words.AddRange(["--client", client]);
        return new ScheduledCommand(NameOf(session.RootPath), words, settings.File is { } file ? Path.GetDirectoryName(file)! : session.RootPath, session.RootPath);
    }

    /// <summary>"backup-photos-1a2b3c4d": one for each root, the same every time.</summary>
    private static string NameOf(string root)
    {
        var letters = new string([.. Path.GetFileName(root).Where(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')]);
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(root)))[..NameHashDigits];
        return letters.Length == 0 ? $"backup-{hash}" : $"backup-{letters}-{hash}";
    }
}
