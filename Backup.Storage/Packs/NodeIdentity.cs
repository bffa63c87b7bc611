using System.Globalization;
using System.IO.Hashing;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Backup.Protocol;

namespace Backup.Storage.Packs;

/// <summary>Whose data directory this is, and how far the cluster had come when it last registered: <c>node.json</c>.</summary>
/// <param name="Incarnation">Made anew with each new directory: another one under the same node id means the data is not the same.</param>
/// <param name="Checksum">XXH3 of the other members as text, so that a flipped digit is noticed before every pack looks foreign.</param>
/// <param name="LastEpoch">The epoch it entered last. Directories of format 1 do not say.</param>
/// <param name="Generation">The highest it had heard of by then.</param>
internal sealed record NodeIdentity(int FormatVersion, NodeId NodeId, Guid Incarnation, long CreatedMs, string Checksum, long LastEpoch = 0, long Generation = 0)
{
    public const string FileName = "node.json";
    public const int CurrentFormatVersion = 2;

    /// <summary>From this one on it says how far the cluster had come.</summary>
    public const int EpochFormatVersion = 2;

    public static NodeIdentity Create(NodeId node, Guid incarnation, TimeProvider time)
    {
        var made = new NodeIdentity(CurrentFormatVersion, node, incarnation, time.GetUtcNow().ToUnixTimeMilliseconds(), "");
        return made with { Checksum = made.Sum() };
    }

    /// <returns>Null when there is no identity, or a damaged one.</returns>
    /// <exception cref="FailureException">The directory was written by a newer version.</exception>
    public static NodeIdentity? TryRead(string directory)
    {
        var path = Path.Combine(directory, FileName);
        if (!File.Exists(path))
            return null;
        var bytes = File.ReadAllBytes(path);
        try
        {
            // The version first: a newer format may know members, and another checksum, that this one does not.
            using var document = JsonDocument.Parse(bytes);
            if (document.RootElement.TryGetProperty("formatVersion", out var version) && version.TryGetInt32(out var number) && number > CurrentFormatVersion)
                throw Newer(path, number);
            var read = document.Deserialize(IdentityJson.Default.NodeIdentity);
            return read?.Checksum == read?.Sum() ? read : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>The same directory, further on.</summary>
    public NodeIdentity At(long lastEpoch, long generation)
    {
        var now = this with { FormatVersion = CurrentFormatVersion, LastEpoch = lastEpoch, Generation = generation };
        return now with { Checksum = now.Sum() };
    }

    /// <summary>Writes it so that after a crash there is the whole of it or nothing.</summary>
    public void Write(Disk disk, string directory)
    {
        var path = Path.Combine(directory, FileName);
        var temporary = path + ".new";
        using (var file = disk.Open(temporary, FileMode.Create, FileAccess.Write))
        {
            disk.Write(file, JsonSerializer.SerializeToUtf8Bytes(this, IdentityJson.Default.NodeIdentity), 0);
            disk.Sync(file);
        }
        disk.Move(temporary, path);
        disk.SyncDirectory(directory);
    }

    public static FailureException Newer(string what, int version) => new Failure(FailureCode.VersionUnsupported,
        $"'{what}' has format version {version}; this program reads up to {CurrentFormatVersion}.", what,
        "Start the newer program on it. Nothing was changed.").Exception();

    private string Sum() => XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(
        string.Create(CultureInfo.InvariantCulture, $"{FormatVersion}|{NodeId}|{Incarnation:D}|{CreatedMs}") + (FormatVersion == 1 ? "" :
            string.Create(CultureInfo.InvariantCulture, $"|{LastEpoch}|{Generation}")))).ToString("x16", CultureInfo.InvariantCulture);
}

/// <summary>Generated, so that opening a directory needs no reflection.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, WriteIndented = true, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(NodeIdentity))]
internal sealed partial class IdentityJson : JsonSerializerContext;
