using System.Text;
using Backup.Manager.Redis;
using Backup.Protocol;

namespace Backup.Manager;

/// <summary>What is stored: pages of files, named files, versions of one file, now or as of a time.</summary>
public sealed class Listing(Metadata metadata, Names names)
{
    /// <summary>Names looked at for one page. Deleted files leave gaps; a page that has met this many is returned short, with a Next.</summary>
    private const int NamesPerPageMax = 10 * Limits.ListPageMax;

    /// <summary>Names read at a time for one level: what follows the first one in a folder is passed over.</summary>
    private const int NamesPerLookMax = 100;

    public async Task<ListReply> ListAsync(ClientId client, ListRequest request, CancellationToken ct)
    {
        if (request.Limit is < 1 or > Limits.ListPageMax)
            throw Failure.InvalidRequest($"A page has 1 to {Limits.ListPageMax:N0} files, not {request.Limit}.").Exception();
        if (request.AsOfMs < 0)
            throw Failure.InvalidRequest("A time before 1970 has no files.").Exception();
        var prefix = Bytes(request.Prefix, "prefix");
        var after = Bytes(request.After ?? "", "start");
        var isAfter = request.After is not null && after.AsSpan().SequenceCompareTo(prefix) >= 0;
        // A Next that is a folder says that the folder was listed.
        var listed = request.OneLevel && isAfter && after is [.., (byte)'/'] ? request.After : null;
        var from = listed is not null ? Behind(listed) : isAfter ? after : prefix;

        var files = new List<FileVersion>();
        long? sequence = null;
        for (var seen = 0; ;)
        {
            // As many as are missing, and as many as were met in vain: whoever asks for one file may meet thousands of deleted ones first.
            var wanted = Math.Min(Math.Max(request.Limit - files.Count + 1, seen - files.Count), request.OneLevel ? NamesPerLookMax : Limits.ListPageMax);
            var (page, generation) = await names.ReadAsync(client, from, isAfter, prefix, wanted, ct);
            sequence ??= generation;
            (var used, listed) = await AppendAsync(client, page, request, files, listed, ct);
            if (page.Length < wanted && used == page.Length)
                return new ListReply([.. files], null, sequence.Value);
            seen += used;
            var last = page[used - 1];
            var isListed = listed is not null && last.StartsWith(listed, StringComparison.Ordinal);
            (from, isAfter) = (isListed ? Behind(listed!) : Encoding.UTF8.GetBytes(last), true);
            if (files.Count == request.Limit || seen >= NamesPerPageMax)
                return new ListReply([.. files], isListed ? listed : last, sequence.Value);
        }
    }

    public async Task<LookupReply> LookupAsync(ClientId client, LookupRequest request, CancellationToken ct)
    {
        OperationIds.CheckPaths(request.Paths, distinct: false);
        var values = await metadata.ReadManyAsync([.. request.Paths.Select(path => Keys.File(client, path))], ct);
        FileVersion?[] files = [.. request.Paths.Zip(values, (path, value) => FileLines.AsOf(path, value, request.AsOfMs))];
        NodeId[] nodes = [.. files.SelectMany(file => file?.Nodes ?? []).Distinct()];
        var lines = await metadata.ReadHashAsync(Keys.Nodes, nodes.Select(node => node.Value), ct);
        return new LookupReply(files, [.. nodes.Zip(lines).Where(pair => pair.Second is not null)
            .Select(pair => NodeLine.Parse(pair.First.Value, pair.Second!).Ref)]);
    }

    public async Task<VersionsReply> VersionsAsync(ClientId client, VersionsRequest request, CancellationToken ct)
    {
        OperationIds.CheckPaths([request.Path]);
        var value = (await metadata.ReadManyAsync([Keys.File(client, request.Path)], ct))[0];
        return new VersionsReply(value is null ? [] : FileLines.All(request.Path, value));
    }

    /// <summary>Adds those of the named files that existed, up to the page's limit.</summary>
    /// <param name="listed">The folder, with its slash, that was listed last where one level is wanted.</param>
    /// <returns>How many of the names were looked at, and which folder was listed last by then.</returns>
    private async Task<(int Used, string? Listed)> AppendAsync(ClientId client, string[] page, ListRequest request, List<FileVersion> files, string? listed, CancellationToken ct)
    {
        RootedPath[] paths = [.. page.Select(name => RootedPath.Parse(name))];
        var values = await metadata.ReadManyAsync([.. paths.Select(path => Keys.File(client, path))], ct);
        for (var i = 0; i < paths.Length; i++)
        {
            var folder = request.OneLevel && page[i].IndexOf('/', request.Prefix.Length) is var slash and >= 0 ? page[i][..(slash + 1)] : null;
            if ((folder is not null && folder == listed) || FileLines.AsOf(paths[i], values[i], request.AsOfMs) is not { } file)
                continue;
            if (files.Count == request.Limit)
                return (i, listed);
            files.Add(file);
            listed = folder ?? listed;
        }
        return (paths.Length, listed);
    }

    /// <summary>What comes behind all names in a folder: none has this byte.</summary>
    private static byte[] Behind(string folder) => [.. Encoding.UTF8.GetBytes(folder), 0xFF];

    private static byte[] Bytes(string text, string what)
    {
        // Well-formed Unicode within the length of a path; it need not be a whole path.
        if (Encoding.UTF8.GetByteCount(text) > RootedPath.PathBytesMax || text.Contains('\uFFFD') || text.Contains('\0') || !IsWellFormed(text))
            throw Failure.InvalidRequest($"The {what} of a listing is not the beginning of a path.").Exception();
        return Encoding.UTF8.GetBytes(text);
    }

    private static bool IsWellFormed(string text)
    {
        for (var rest = text.AsSpan(); rest.Length > 0;)
        {
            if (Rune.DecodeFromUtf16(rest, out _, out var length) != System.Buffers.OperationStatus.Done)
                return false;
            rest = rest[length..];
        }
        return true;
    }
}
