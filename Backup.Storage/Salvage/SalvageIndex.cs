using Backup.Protocol;
using Backup.Storage.Packs;
using Microsoft.Data.Sqlite;

namespace Backup.Storage.Salvage;

/// <summary>What the packs of a directory hold, found by reading them from end to end; the node's own index is not trusted. It lies on disk beside the output, so that memory stays constant.</summary>
internal sealed class SalvageIndex : IDisposable
{
    /// <summary>As many rows as recovery gathers: some 10 MB.</summary>
    private const int RowsAtOnce = 65_536;

    private readonly string directory;
    private readonly string path;
    private readonly PackIndex index;
    private readonly List<RecordLocation> records = [];
    private readonly List<(RecordLocation At, long Version, string Path)> manifests = [];

    public SalvageIndex(string directory, string path)
    {
        (this.directory, this.path) = (directory, path);
        index = PackIndex.Create(path, Guid.Empty);
    }

    /// <summary>Places in the packs that are no whole record.</summary>
    public long DamagedPlaces { get; private set; }

    public long Records { get; private set; }

    /// <summary>Reads every pack. Whatever the header of a pack says: a record speaks for itself.</summary>
    public async Task ReadPacksAsync(TextWriter error, CancellationToken ct)
    {
        using var codec = new RecordCodec();
        foreach (var number in PackFiles.List(directory))
        {
            var name = PackFiles.Pack(directory, number);
            using var file = File.OpenHandle(name, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var end = RandomAccess.GetLength(file) - SealBytes(file, number);
            foreach (var piece in new PackScanner(Disk.Real, file, end, checkPayloads: true).From(PackHeader.LengthBytes))
            {
                ct.ThrowIfCancellationRequested();
                if (piece.IsWhole && TryTake(number, piece, codec))
                    continue;
                DamagedPlaces++;
                var what = piece.Header is { } header ? RecordKey.Of(header).ToString() : "no valid record";
                await error.WriteLineAsync($"damaged: {name} at byte {piece.Offset}, {piece.Bytes} bytes: {what}");
            }
            Flush();
        }
    }

    /// <summary>Every version, by client, path and number. The last of a path is its newest.</summary>
    public IEnumerable<(ClientId Client, string Path, long Version, ChunkId Id)> Versions(bool isBackwards = false)
    {
        var direction = isBackwards ? "DESC" : "ASC";
        using var connection = IndexSchema.Connect(path, writer: false);
        using var rows = new Statement(connection, $"""
            SELECT clients.id, path, version, manifests.id FROM manifests JOIN clients ON clients.number = manifests.client
            ORDER BY manifests.client {direction}, path {direction}, version {direction}
            """);
        while (rows.Step())
            yield return (ClientId.Read(rows.Blob(0)), rows.Text(1), rows.Int64(2), new ChunkId(rows.Blob(3)));
    }

    public RecordLocation Find(ClientId client, RecordKind kind, ChunkId id) => index.Find(new RecordKey(client, kind, id));

    public void Dispose()
    {
        index.Dispose();
        IndexSchema.Delete(path);
    }

    private static int SealBytes(Microsoft.Win32.SafeHandles.SafeFileHandle file, int number)
    {
        var at = RandomAccess.GetLength(file) - PackSeal.LengthBytes;
        var bytes = new byte[PackSeal.LengthBytes];
        return at > 0 && RandomAccess.Read(file, bytes, at) == bytes.Length && PackSeal.IsValid(bytes, number, at) ? bytes.Length : 0;
    }

    private bool TryTake(int pack, in Piece piece, RecordCodec codec)
    {
        var header = piece.Header!.Value;
        var at = new RecordLocation(RecordKey.Of(header), pack, piece.Offset, header.StoredBytes);
        if (header.Kind == RecordKind.Manifest)
        {
            try
            {
                var rented = Record.Rent(header.StoredBytes);
                piece.Payload.CopyTo(rented.AsMemory(RecordHeader.LengthBytes));
                using var record = Record.Wrap(rented, header);
                var head = Manifest.Decode(codec.Open(record, "salvage").Span, "salvage").Head;
                manifests.Add((at, head.Version, head.Path.Value));
            }
            catch (FailureException)
            {
                return false;
            }
        }
        Records++;
        if (header.Kind == RecordKind.Forget)
        {
            if (ForgottenVersions.TryRead(piece.Payload.Span) is not { } versions)
                return false;
            // What these versions need may be collected already.
            Flush();
            index.Write(writer => writer.Forget(at, versions));
            return true;
        }
        if (header.Kind != RecordKind.Manifest)
            records.Add(at);
        if (records.Count + manifests.Count >= RowsAtOnce)
            Flush();
        return true;
    }

    private void Flush()
    {
        index.Write(writer =>
        {
            records.ForEach(record => writer.AddRecord(record));
            manifests.ForEach(manifest => writer.AddManifest(manifest.At, manifest.Version, manifest.Path));
        });
        records.Clear();
        manifests.Clear();
    }
}
