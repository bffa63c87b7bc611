using System.Runtime.CompilerServices;
using Backup.Protocol;

namespace Backup.WebConsole.Browsing;

/// <summary>A name in a stored folder: a folder below it when <paramref name="File"/> is null.</summary>
public sealed record FolderEntry(string Path, FileVersion? File)
{
    public string Name => Path[(Path.LastIndexOf('/') + 1)..];
}

/// <summary>What a person sees of a folder at once: one level of it, and only so much.</summary>
/// <param name="More">There is more than fits; a search finds it.</param>
public sealed record FolderPage(IReadOnlyList<FolderEntry> Entries, bool More)
{
    /// <summary>More than anybody scrolls through, and less than a browser minds.</summary>
    private const int EntriesMax = 500;

    /// <summary>Found by one search; whoever wants more asks more exactly.</summary>
    private const int FoundMax = 200;

    /// <summary>Names looked at by one search: some 100 ms for each ten thousand of them.</summary>
    private const int SearchedMax = 200_000;

    public static async Task<FolderPage> ReadAsync(ICatalogue catalogue, ClientId client, string folder, long? asOfMs, CancellationToken ct)
    {
        var prefix = Prefix(folder);
        var entries = new Dictionary<string, FolderEntry>();
        string? after = null;
        do
        {
            var page = await catalogue.ListAsync(client, new ListRequest(prefix, after, Limits.ListPageMax, asOfMs, OneLevel: true), ct);
            after = page.Next;
            foreach (var file in page.Files)
            {
                var slash = file.Path.Value.IndexOf('/', prefix.Length);
                var path = slash < 0 ? file.Path.Value : file.Path.Value[..slash];
                var isFolder = slash >= 0 || file.Kind == VersionKind.Folder;
                // A folder is stored by itself and has content besides: it is one entry.
                entries[path] = new FolderEntry(path, isFolder ? null : file);
            }
        }
        while (after is not null && entries.Count < EntriesMax);
        return new FolderPage([.. entries.Values.Take(EntriesMax).OrderBy(entry => entry.File is not null).ThenBy(entry => entry.Path, StringComparer.Ordinal)],
            after is not null || entries.Count > EntriesMax);
    }

    /// <summary>Files below a folder whose path holds a text, whatever its case.</summary>
    public static async Task<FolderPage> SearchAsync(ICatalogue catalogue, ClientId client, string folder, string text, long? asOfMs, CancellationToken ct)
    {
        var found = new List<FolderEntry>();
        var looked = 0;
        await foreach (var file in AllBelowAsync(catalogue, client, folder, asOfMs, ct))
        {
            if (file.Kind != VersionKind.Folder && file.Path.Value.Contains(text, StringComparison.OrdinalIgnoreCase))
                found.Add(new FolderEntry(file.Path.Value, file));
            if (found.Count > FoundMax || ++looked > SearchedMax)
                return new FolderPage([.. found.Take(FoundMax)], More: true);
        }
        return new FolderPage(found, More: false);
    }

    /// <summary>Everything below a folder, in the order of the paths.</summary>
    public static async IAsyncEnumerable<FileVersion> AllBelowAsync(
        ICatalogue catalogue, ClientId client, string folder, long? asOfMs, [EnumeratorCancellation] CancellationToken ct)
    {
        string? after = null;
        do
        {
            var page = await catalogue.ListAsync(client, new ListRequest(Prefix(folder), after, Limits.ListPageMax, asOfMs), ct);
            foreach (var file in page.Files)
                yield return file;
            after = page.Next;
        }
        while (after is not null);
    }

    private static string Prefix(string folder) => folder.Length == 0 ? "" : folder + "/";
}
