using Backup.Protocol;
using Backup.Storage.Packs;
using Microsoft.Win32.SafeHandles;

namespace Backup.Storage.Salvage;

/// <summary>Writes one version out, each chunk checked by its id and the whole by the version's digest. What cannot be had whole is not left behind.</summary>
internal sealed class VersionWriter(SalvageIndex index, PackReader reader, IReadOnlyDictionary<ClientId, ClientCipher> ciphers) : IDisposable
{
    private const string Culprit = "salvage";
    private readonly RecordCodec codec = new();
    private readonly Dictionary<ClientId, RecordCodec> sealedCodecs = ciphers.ToDictionary(pair => pair.Key, pair => new RecordCodec(pair.Value));

    /// <summary>The manifest, with the names as the client had them.</summary>
    /// <exception cref="FailureException">It cannot be had; KeyNeeded: it is encrypted, and the key is not here.</exception>
    public async Task<Manifest> ManifestAsync(ClientId client, ChunkId id, CancellationToken ct)
    {
        using var record = await RecordAsync(client, RecordKind.Manifest, id, ct);
        var manifest = Manifest.Decode(codec.Open(record, Culprit).Span, Culprit);
        // The wrapped key itself is the one thing of a client that encrypts which is not.
        if (manifest.Head.Path == EncryptedClients.KeyPath)
            return manifest;
        if (ciphers.TryGetValue(client, out var cipher))
            return manifest with { Head = cipher.Open(manifest.Head, Culprit) };
        return manifest.Head.Seal is null ? manifest : throw EncryptedClients.KeyNeeded(client).Exception();
    }

    /// <summary>Makes the version's file, symlink or folder under this name.</summary>
    /// <exception cref="FailureException">It cannot be had whole: what is missing or damaged.</exception>
    public async Task WriteAsync(ClientId client, Manifest manifest, AnchoredFolder folder, string name, CancellationToken ct)
    {
        var head = manifest.Head;
        switch (head.Kind)
        {
            case VersionKind.File:
                await WriteFileAsync(client, manifest, folder, name, ct);
                break;
            case VersionKind.Symlink:
                if (string.IsNullOrEmpty(head.LinkTarget) || head.LinkTarget.Contains('\0'))
                    throw Failure.Corrupt("the symlink's target", Culprit).Exception();
                folder.CreateSymlink(name, head.LinkTarget);
                break;
            case VersionKind.Folder:
                using (var made = folder.Enter(name))
                    made.SetMode(ModeOf(head));
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(manifest), head.Kind, "Only what has content is written.");
        }
        folder.SetTime(name, head.MtimeNs);
    }

    public static int ModeOf(ManifestHead head) => head.Mode != 0 ? head.Mode : head.Kind == VersionKind.Folder ? 0b111_101_101 : 0b110_100_100;

    public void Dispose()
    {
        codec.Dispose();
        foreach (var own in sealedCodecs.Values)
            own.Dispose();
    }

    private async Task WriteFileAsync(ClientId client, Manifest manifest, AnchoredFolder folder, string name, CancellationToken ct)
    {
        var isWhole = false;
        using var file = folder.CreateFile(name);
        try
        {
            await WriteContentAsync(client, manifest, file, ct);
            AnchoredFolder.SetMode(file, ModeOf(manifest.Head));
            isWhole = true;
        }
        finally
        {
            if (!isWhole)
                folder.Delete(name);
        }
    }

    private async Task WriteContentAsync(ClientId client, Manifest manifest, SafeFileHandle file, CancellationToken ct)
    {
        using var digest = new ContentDigest();
        var own = manifest.Head.Seal is null ? codec : sealedCodecs[client];
        var written = 0L;
        foreach (var part in manifest.Head.HasLists ? manifest.Refs : [default])
        {
            foreach (var chunk in manifest.Head.HasLists ? await ListAsync(client, part.Id, ct) : manifest.Refs)
            {
                using var record = await RecordAsync(client, RecordKind.Chunk, chunk.Id, ct);
                var plain = own.Open(record, Culprit);
                RandomAccess.Write(file, plain.Span, written);
                written += plain.Length;
                digest.Add(chunk.Id);
            }
        }
        if (digest.Finish() != manifest.Head.Digest || written != manifest.Head.SizeBytes)
            throw Failure.Corrupt("the whole content", Culprit).Exception();
    }

    private async Task<ChunkRef[]> ListAsync(ClientId client, ChunkId id, CancellationToken ct)
    {
        using var record = await RecordAsync(client, RecordKind.List, id, ct);
        return ChunkRef.Read(codec.Open(record, Culprit).Span);
    }

    private async Task<Record> RecordAsync(ClientId client, RecordKind kind, ChunkId id, CancellationToken ct)
    {
        var at = index.Find(client, kind, id);
        if (!at.IsHeld)
            throw Failure.NotFound($"{kind} {id}").Exception();
        try
        {
            return await reader.ReadAsync(at, ct) ?? throw Failure.Corrupt($"{kind} {id}", Culprit).Exception();
        }
        catch (IOException e)
        {
            throw new Failure(FailureCode.DiskFailed, $"{kind} {id} cannot be read: {e.Message}.", Culprit, "Copy the disk with a tool that repeats reads, and salvage the copy.").Exception(e);
        }
    }
}
