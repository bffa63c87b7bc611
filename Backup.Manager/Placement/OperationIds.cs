using System.Text.RegularExpressions;
using Backup.Protocol;

namespace Backup.Manager;

/// <summary>What callers name their operations, and the checks that place and commit share.</summary>
public static partial class OperationIds
{
    public static void Check(string operation)
    {
        if (!Shape().IsMatch(operation))
            throw Failure.InvalidRequest("An operation id is 1 to 64 letters, digits and dashes.").Exception();
    }

    /// <summary>An array in JSON may hold nulls, which its type here does not tell.</summary>
    public static IEnumerable<T> Given<T>(IEnumerable<T?> files) where T : class =>
        files.Select(file => file ?? throw Failure.InvalidRequest("One of the files is null.").Exception());

    public static void CheckPaths(IReadOnlyCollection<RootedPath> paths, bool distinct = true)
    {
        if (paths.Count is 0 or > Limits.FilesPerCallMax)
            throw Failure.InvalidRequest($"A call is about 1 to {Limits.FilesPerCallMax:N0} files, not {paths.Count:N0}.").Exception();
        var seen = new HashSet<RootedPath>(paths.Count);
        foreach (var path in paths)
        {
            if (path.Value is null)
                throw Failure.InvalidRequest("A file has no path.").Exception();
            if (!seen.Add(path) && distinct)
                throw Failure.InvalidRequest($"'{path.Display}' stands in the call twice.").Exception();
        }
    }

    [GeneratedRegex(@"^[A-Za-z0-9-]{1,64}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Shape();
}
