using System.Globalization;
using Backup.Protocol;
using Backup.Storage.Packs;

namespace Backup.Storage.Salvage;

/// <summary>Goes through all versions and places them, naming and counting what cannot be had.</summary>
internal sealed class SalvageRun(SalvageIndex index, string directory, string to, IReadOnlyDictionary<ClientId, ClientCipher> ciphers, TextWriter error) : IDisposable
{
    /// <summary>ENOSPC: every further file would fail alike.</summary>
    private const int NoSpace = 28;

    private readonly PackReader reader = new(Disk.Real, directory);
    private readonly AnchoredFolder root = AnchoredFolder.Open(to);

    public long Written { get; private set; }

    public long Tombstones { get; private set; }

    /// <summary>Versions that are not there, or not whole.</summary>
    public long Incomplete { get; private set; }

    /// <summary>Versions that take a key which is not here, by client.</summary>
    public Dictionary<ClientId, long> Sealed { get; } = [];

    /// <summary>Newest versions that are whole and yet stand under 'versions' only.</summary>
    public long Misplaced { get; private set; }

    public async Task WriteAllAsync(CancellationToken ct)
    {
        using var writer = new VersionWriter(index, reader, ciphers);
        (ClientId Client, string Path, long Version, ManifestHead? Head)? last = null;
        foreach (var (client, path, version, id) in index.Versions())
        {
            if (last is { } done && (done.Client != client || done.Path != path))
                await PlaceNewestAsync(done.Client, done.Head);
            last = (client, path, version, await WriteAsync(writer, client, path, version, id, ct));
        }
        if (last is { } end)
            await PlaceNewestAsync(end.Client, end.Head);
        await FinishFoldersAsync(writer, ct);
    }

    public void Dispose()
    {
        root.Dispose();
        reader.Dispose();
    }

    /// <returns>The version's head when it is there now, or is a deletion.</returns>
    private async Task<ManifestHead?> WriteAsync(VersionWriter writer, ClientId client, string path, long version, ChunkId id, CancellationToken ct)
    {
        try
        {
            var manifest = await writer.ManifestAsync(client, id, ct);
            if (manifest.Head.Kind == VersionKind.Tombstone)
            {
                Tombstones++;
                return manifest.Head;
            }
            var names = manifest.Head.Path.Value.Split('/');
            using var folder = root.Enter([client.ToString(), "versions", Folder(version), .. names[..^1]]);
            await writer.WriteAsync(client, manifest, folder, names[^1], ct);
            Written++;
            return manifest.Head;
        }
        catch (FailureException e) when (e.Failure.Code == FailureCode.KeyNeeded)
        {
            Sealed[client] = Sealed.GetValueOrDefault(client) + 1;
        }
        catch (FailureException e)
        {
            Incomplete++;
            await error.WriteLineAsync($"incomplete: client {client}, '{RootedPath.Escape(path)}' version {version}: {e.Failure.Message}");
        }
        // The last is what .NET makes of a file that is larger than its file system allows.
        catch (Exception e) when (e is IOException { HResult: not NoSpace } or ArgumentOutOfRangeException)
        {
            Incomplete++;
            await error.WriteLineAsync($"cannot be written: client {client}, '{RootedPath.Escape(path)}' version {version}: {e.Message}");
        }
        return null;
    }

    private async Task PlaceNewestAsync(ClientId client, ManifestHead? head)
    {
        if (head is null || head.Kind == VersionKind.Tombstone)
            return;
        var names = head.Path.Value.Split('/');
        try
        {
            using var folder = root.Enter([client.ToString(), "newest", .. names[..^1]]);
            if (head.Kind == VersionKind.Folder)
            {
                folder.Enter(names[^1]).Dispose();
                return;
            }
            using var from = root.Enter([client.ToString(), "versions", Folder(head.Version), .. names[..^1]]);
            folder.Link(from, names[^1]);
        }
        catch (IOException e) when (e.HResult != NoSpace)
        {
            Misplaced++;
            await error.WriteLineAsync($"not under 'newest': client {client}, '{head.Path.Display}' version {head.Version}: {e.Message}");
        }
    }

    /// <summary>Modes and times of folders, once everything in them is written; the deepest first, because a mode can shut the way down.</summary>
    private async Task FinishFoldersAsync(VersionWriter writer, CancellationToken ct)
    {
        (ClientId, string)? last = null;
        foreach (var (client, path, _, id) in index.Versions(isBackwards: true))
        {
            if (last == (client, path))
                continue;
            last = (client, path);
            try
            {
                var head = (await writer.ManifestAsync(client, id, ct)).Head;
                if (head.Kind != VersionKind.Folder)
                    continue;
                var names = head.Path.Value.Split('/');
                using var parent = root.Enter([client.ToString(), "newest", .. names[..^1]]);
                using (var folder = parent.Enter(names[^1]))
                    folder.SetMode(VersionWriter.ModeOf(head));
                parent.SetTime(names[^1], head.MtimeNs);
            }
            catch (Exception e) when (e is FailureException or IOException)
            {
                // It was named above, when its content was placed.
            }
        }
    }

    private static string Folder(long version) => "v" + version.ToString(CultureInfo.InvariantCulture);
}
