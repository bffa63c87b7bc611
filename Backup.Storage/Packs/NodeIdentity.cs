using System.Text.Json;
using Backup.Protocol;

namespace Backup.Storage.Packs;

/// <summary>Who a data directory belongs to: `node.json`, written once, when the directory is first used.</summary>
/// <param name="Format">Of the whole directory; see docs/formats.md.</param>
/// <param name="Incarnation">Another one under the same node id means that the data is not the same.</param>
internal sealed record NodeIdentity(int Format, NodeId Node, Guid Incarnation, DateTimeOffset Created)
{
    public const int FormatNow = 1;
    private const string FileName = "node.json";

    /// <exception cref="FailureException">The directory is another node's, or of a later format, or unreadable.</exception>
    public static NodeIdentity ReadOrCreate(string directory, NodeId node, TimeProvider time)
    {
        var path = Path.Combine(directory, FileName);
        if (!File.Exists(path))
        {
            if (Directory.Exists(Path.Combine(directory, PackFile.Folder)) && Directory.EnumerateFiles(Path.Combine(directory, PackFile.Folder)).Any())
                throw Unusable(directory, $"it holds packs but no {FileName}", "Restore that file from a copy of the directory, or use `salvage` to read the packs.");
            return Create(path, new NodeIdentity(FormatNow, node, Guid.NewGuid(), time.GetUtcNow()));
        }
        var identity = Read(path, directory);
        if (identity.Format > FormatNow)
            throw new Failure(FailureCode.VersionUnsupported, $"{directory} is of format {identity.Format}; this program reads up to {FormatNow}.", node.Value,
                "Use the newer program that wrote it.").Exception();
        if (identity.Node != node)
            throw Unusable(directory, $"it belongs to node {identity.Node}, not to {node}", "Give each node a data directory of its own.");
        return identity;
    }

    public static NodeIdentity Read(string path, string directory)
    {
        try
        {
            return JsonSerializer.Deserialize<NodeIdentity>(File.ReadAllBytes(path), JsonSerializerOptions.Web) ?? throw new JsonException();
        }
        catch (JsonException e)
        {
            throw Unusable(directory, $"its {FileName} is damaged", "Restore that file from a copy of the directory, or use `salvage` to read the packs.", e);
        }
    }

    private static NodeIdentity Create(string path, NodeIdentity identity)
    {
        var temporary = path + ".new";
        using (var file = File.OpenHandle(temporary, FileMode.Create, FileAccess.Write))
        {
            RandomAccess.Write(file, JsonSerializer.SerializeToUtf8Bytes(identity, JsonSerializerOptions.Web), 0);
            Fsync.File(file, temporary);
        }
        File.Move(temporary, path);
        Fsync.Directory(Path.GetDirectoryName(path)!);
        return identity;
    }

    private static FailureException Unusable(string directory, string why, string advice, Exception? inner = null) =>
        new Failure(FailureCode.LocalFailed, $"The data directory {directory} cannot be used: {why}.", directory, advice).Exception(inner);
}
