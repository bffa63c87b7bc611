using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Backup.Protocol;

namespace Backup.Manager;

/// <summary>
/// A file's value in Redis: one line per version, ascending, each
/// "version timeMs kind size digest mtimeNs mode epoch ,node,node, copiesOwed traceId|-" and a line feed, written by commit-files.
/// </summary>
public static class FileLines
{
    /// <summary>What stands for no trace.</summary>
    public const string NoTrace = "-";

    /// <summary>Node ids already checked: a handful of names in a million lines.</summary>
    private static readonly ConcurrentDictionary<string, NodeId> Parsed = new();

    /// <summary>All versions, oldest first.</summary>
    public static FileVersion[] All(RootedPath path, ReadOnlySpan<byte> value)
    {
        var versions = new List<FileVersion>();
        foreach (var line in value[..^1].Split((byte)'\n'))
            versions.Add(Parse(path, Encoding.ASCII.GetString(value[line])));
        return [.. versions];
    }

    /// <summary>The newest version not after a time; null when the file did not exist then.</summary>
    /// <param name="asOfMs">Null for now.</param>
    public static FileVersion? AsOf(RootedPath path, byte[]? value, long? asOfMs)
    {
        if (value is null)
            return null;
        // From the end, since what is asked for is nearly always the newest.
        var rest = value.AsSpan(0, value.Length - 1);
        while (true)
        {
            var from = rest.LastIndexOf((byte)'\n') + 1;
            var version = Parse(path, Encoding.ASCII.GetString(rest[from..]));
            if (asOfMs is null || version.TimeMs <= asOfMs)
                return version.Kind == VersionKind.Tombstone ? null : version;
            if (from == 0)
                return null;
            rest = rest[..(from - 1)];
        }
    }

    public static FileVersion Parse(RootedPath path, string line)
    {
        var fields = line.Split(' ');
        return new FileVersion(
            path,
            Number(fields[0]),
            (VersionKind)byte.Parse(fields[2], CultureInfo.InvariantCulture),
            Number(fields[1]),
            Number(fields[3]),
            ChunkId.Parse(fields[4]),
            Number(fields[5]),
            (int)Number(fields[6]),
            Number(fields[7]),
            [.. Names(fields[8]).Select(name => Parsed.GetOrAdd(name, text => NodeId.Parse(text)))],
            (int)Number(fields[9]),
            fields[10] == NoTrace ? null : fields[10]);
    }

    /// <summary>The names of ",node,node,".</summary>
    public static string[] Names(string text) => text.Split(',', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The form in which node ids are found without parsing: each between commas.</summary>
    public static string Join(IEnumerable<NodeId> nodes) => $",{string.Join(',', nodes)},";

    private static long Number(string text) => long.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
}
