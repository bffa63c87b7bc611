using System.Text.Json;
using Backup.Protocol;
using Backup.Storage.Packs;

namespace Backup.Storage.Reading;

/// <summary>The named moments of each client, which this node keeps for the day the metadata is lost: one small file each.</summary>
public sealed class KeptMoments(PackStore store)
{
    private readonly string folder = Path.Combine(store.Options.Directory, "moments");
    private readonly Lock writing = new();

    /// <summary>On return they are on the disk, unless newer ones are.</summary>
    public void Keep(ClientMoments moments)
    {
        var path = Path.Combine(folder, $"{moments.Client}.json");
        lock (writing)
        {
            try
            {
                if (TryRead(path) is { } known && known.Moments > moments.Moments)
                    return;
                Directory.CreateDirectory(folder);
                Fsync.Directory(store.Options.Directory);
                using (var file = File.OpenHandle(path + ".new", FileMode.Create, FileAccess.Write))
                {
                    RandomAccess.Write(file, JsonSerializer.SerializeToUtf8Bytes(moments, WireJson.Default.ClientMoments), 0);
                    Fsync.File(file);
                }
                File.Move(path + ".new", path, overwrite: true);
                Fsync.Directory(folder);
            }
            catch (Exception e) when (DiskFailure.Is(e))
            {
                throw DiskFailure.Of(e, store.Options.NodeId.Value, "keeping snapshots").Exception(e);
            }
        }
    }

    /// <summary>Those of all clients. A file that is damaged is left out: other nodes keep the same.</summary>
    public ClientMoments[] All() => !Directory.Exists(folder) ? []
        : [.. Directory.EnumerateFiles(folder, "*.json").Select(TryRead).OfType<ClientMoments>()];

    private static ClientMoments? TryRead(string path)
    {
        try
        {
            return File.Exists(path) ? JsonSerializer.Deserialize(File.ReadAllBytes(path), WireJson.Default.ClientMoments) : null;
        }
        catch (Exception e) when (e is JsonException or IOException or FailureException)
        {
            return null;
        }
    }
}
