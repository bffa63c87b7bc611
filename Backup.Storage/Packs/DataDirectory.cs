using Backup.Protocol;

namespace Backup.Storage.Packs;

/// <summary>Says whose a data directory is before anything in it is used.</summary>
internal static partial class DataDirectory
{
    /// <summary>The identity of the directory; of a new one it is made, of one whose <c>node.json</c> is lost it is taken from the packs.</summary>
    public static NodeIdentity Identify(PackStoreOptions options, ILogger log, TimeProvider time)
    {
        var path = Path.Combine(options.Directory, NodeIdentity.FileName);
        var identity = NodeIdentity.TryRead(options.Directory);
        if (identity is not null)
            return identity.NodeId == options.NodeId ? identity : throw Other(options, identity.NodeId);

        var packs = PackFiles.List(options.Directory);
        if (packs.Length == 0 && File.Exists(path))
            throw new Failure(FailureCode.LocalFailed, $"'{path}' is damaged, and there is no pack to tell whose directory this is.", path,
                "Delete the directory if it was never used; the node's data is copied anew.").Exception();
        var incarnation = packs.Length == 0 ? Guid.NewGuid() : FromPacks(options, packs);
        if (packs.Length > 0)
            LogRecovered(log, path, incarnation);
        identity = NodeIdentity.Create(options.NodeId, incarnation, time);
        identity.Write(options.Disk, options.Directory);
        return identity;
    }

    private static Guid FromPacks(PackStoreOptions options, int[] packs)
    {
        var bytes = new byte[PackHeader.LengthBytes];
        foreach (var pack in packs)
        {
            var path = PackFiles.Pack(options.Directory, pack);
            using var file = options.Disk.Open(path, FileMode.Open, FileAccess.Read);
            if (options.Disk.Read(file, bytes, 0) < bytes.Length || !PackHeader.TryRead(bytes, out var header, out var version))
                continue;
            if (version > PackHeader.FormatVersion)
                throw NodeIdentity.Newer(path, version);
            return header.Node == options.NodeId ? header.Incarnation : throw Other(options, header.Node);
        }
        throw new Failure(FailureCode.LocalFailed, $"'{options.Directory}' holds packs and neither a valid {NodeIdentity.FileName} nor a valid pack header.",
            options.Directory, "Write its files out with 'salvage', and give the node an empty directory.").Exception();
    }

    private static FailureException Other(PackStoreOptions options, NodeId owner) => new Failure(FailureCode.LocalFailed,
        $"The data directory '{options.Directory}' belongs to node {owner}, not to {options.NodeId}.", options.Directory,
        "Start the node under its own id, or with a directory of its own.").Exception();

    [LoggerMessage(LogLevel.Warning, "{Path} was missing or damaged; incarnation {Incarnation} was read from the packs")]
    private static partial void LogRecovered(ILogger log, string path, Guid incarnation);
}
