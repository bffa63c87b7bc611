using Backup.Protocol;

namespace Backup.Client;

/// <summary>A bug, or an error nobody thought of: the person gets one line, and whoever looks into it the details.</summary>
internal static class Unexpected
{
    private const string FileName = "errors.log";

    public static Failure Record(Surroundings surroundings, Exception e)
    {
        var path = Path.Join(UserFolders.State(surroundings), FileName);
        var advice = $"The details are in '{path}'.";
        try
        {
            PrivateFile.MakeFolder(Path.GetDirectoryName(path)!);
            File.AppendAllText(path, $"{surroundings.Time.GetUtcNow():O}\n{e}\n\n");
        }
        catch (Exception inner) when (inner is IOException or UnauthorizedAccessException or FailureException)
        {
            advice = "The details could not be written down; try again with HOME set to a writable folder.";
        }
        return new Failure(FailureCode.Internal, $"Something went wrong that should not: {e.GetType().Name}: {FirstLine(e.Message)}", "client", advice);
    }

    private static string FirstLine(string text) => text.Split('\n', 2)[0].Trim();
}
