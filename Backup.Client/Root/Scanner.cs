using Backup.Protocol;

namespace Backup.Client;

/// <summary>One thing in the root that can be backed up: a file, a symlink, or a folder, whose content comes by itself.</summary>
internal readonly record struct ScannedFile(RootedPath Path, FileStat Stat)
{
    public VersionKind Kind => Stat.Kind switch
    {
        EntryKind.Symlink => VersionKind.Symlink,
        EntryKind.Folder => VersionKind.Folder,
        _ => VersionKind.File,
    };
}

/// <summary>
/// Walks the root in the order of the cluster's listings, so that the two can be compared in one pass with constant memory:
/// of each folder on the way down it keeps the names, and nothing else. Links are reported, never followed: there are no loops.
/// </summary>
/// <param name="skipped">Is told of everything that is there and cannot be backed up.</param>
internal sealed class Scanner(RootDirectory root, IgnoreRules ignore, Action<Failure> skipped)
{
    /// <param name="Order">The name; for a folder's content with a slash, which is where what is in it stands in the order of whole paths.</param>
    /// <param name="Content">Shared by the two places a folder has: found at the first, walked at the second.</param>
    private readonly record struct Place(string Order, FolderEntry Entry, Content? Content);

    private sealed class Content
    {
        public List<Place>? Places;
    }

    private sealed class Level(string prefix, List<Place> places)
    {
        public readonly string Prefix = prefix;
        public readonly List<Place> Places = places;
        public int Next;
    }

    /// <param name="folder">Only what is below it; the empty path means the whole root.</param>
    /// <exception cref="FailureException">The folder itself cannot be read.</exception>
    public IEnumerable<ScannedFile> Scan(string folder = "")
    {
        var levels = new Stack<Level>();
        levels.Push(new Level(folder.Length == 0 ? "" : folder + "/", ReadPlaces(folder)));
        while (levels.TryPeek(out var level))
        {
            if (level.Next == level.Places.Count)
            {
                levels.Pop();
                continue;
            }
            var place = level.Places[level.Next];
            level.Places[level.Next++] = default;
            var name = level.Prefix + place.Entry.Name;
            if (place.Content is null)
                yield return new ScannedFile(RootedPath.Parse(name), place.Entry.Stat);
            else if (place.Order[^1] != '/')
            {
                if (IsReadable(name, place.Content))
                    yield return new ScannedFile(RootedPath.Parse(name), place.Entry.Stat);
            }
            else if (place.Content.Places is { Count: > 0 } places)
                levels.Push(new Level(name + "/", places));
        }
    }

    /// <summary>Reads the folder. One that cannot be read is reported, and what is stored of it stays.</summary>
    private bool IsReadable(string folder, Content content)
    {
        try
        {
            content.Places = ReadPlaces(folder);
            return true;
        }
        catch (FailureException e)
        {
            skipped(e.Failure);
            return false;
        }
    }

    /// <summary>What can be backed up of a folder, sorted; what cannot is reported.</summary>
    private List<Place> ReadPlaces(string folder)
    {
        var prefix = folder.Length == 0 ? "" : folder + "/";
        var places = new List<Place>();
        foreach (var entry in root.Read(folder))
        {
            var path = prefix + entry.Name;
            if (ignore.Excludes(path, entry.Stat.Kind == EntryKind.Folder))
                continue;
            if (WhatIsWrong(path, entry) is { } failure)
            {
                skipped(failure);
                continue;
            }
            var content = entry.Stat.Kind == EntryKind.Folder ? new Content() : null;
            places.Add(new Place(entry.Name, entry, content));
            if (content is not null)
                places.Add(new Place(entry.Name + "/", entry, content));
        }
        places.Sort(static (l, r) => PathOrder.Instance.Compare(l.Order, r.Order));
        return places;
    }

    private static Failure? WhatIsWrong(string path, FolderEntry entry) =>
        entry.Wrong is { } wrong ? wrong
        : RootedPath.WhatIsWrong(path) is { } bad ? SourceFailures.BadName(path, bad)
        : path == EncryptedClients.KeyPath.Value ? SourceFailures.BadName(path, "a client's key is kept under it")
        : entry.Stat.Kind == EntryKind.Special ? SourceFailures.Special(path, entry.Stat.What)
        : null;
}
