using Backup.Protocol;
using Backup.Storage.Membership;
using Backup.Storage.Packs;
using Backup.Storage.Scrub;

namespace Backup.Storage.Reading;

/// <summary>Sends versions as records, each verified as it comes from the disk: of each its manifest, then its chunks, each list before the chunks it names.</summary>
public sealed class VersionSender(PackStore store, Peers peers, DamagedVersions damaged)
{
    private readonly NodeId self = peers.Self;

    public async Task SendAsync(ClientId client, ReadRequest request, Func<Record, CancellationToken, ValueTask> send, CancellationToken ct)
    {
        long bytes = 0;
        using var step = Step.Begin("send versions").Tag(Tags.Node, self.Value).Tag(Tags.Files, request.Items.Length);
        try
        {
            await SendAllAsync(client, request, (record, token) =>
            {
                bytes += record.Bytes.Length;
                return send(record, token);
            }, ct);
            step.Succeed();
        }
        finally
        {
            Measures.Sent(bytes);
            step.Tag(Tags.Bytes, bytes);
        }
    }

    private async Task SendAllAsync(ClientId client, ReadRequest request, Func<Record, CancellationToken, ValueTask> send, CancellationToken ct)
    {
        using var codec = new RecordCodec();
        foreach (var item in request.Items)
        {
            try
            {
                await SendAsync(client, item, codec, send, ct);
                Measures.VersionsRead.Add(1);
            }
            catch (FailureException e) when (e.Failure.Code is FailureCode.Corrupt or FailureCode.DiskFailed or FailureCode.NotFound)
            {
                // Whoever asks goes to the other copy; this one is repaired from there.
                damaged.Add(client, item.Version);
                throw;
            }
        }
    }

    private async Task SendAsync(ClientId client, ReadItem item, RecordCodec codec, Func<Record, CancellationToken, ValueTask> send, CancellationToken ct)
    {
        using var record = await store.ReadManifestAsync(client, item.Version, ct) ?? throw Failure.NotFound($"Version {item.Version} on node {self}").Exception();
        var manifest = Manifest.Decode(codec.Open(record, self.Value).Span, self.Value);
        if (item.FirstChunk == 0)
            await send(record, ct);
        if (manifest.Head.HasLists)
            await SendListsAsync(client, manifest, item.FirstChunk, codec, send, ct);
        else
            await SendChunksAsync(client, manifest.Refs, item.FirstChunk, send, ct);
    }

    private async Task SendListsAsync(
        ClientId client, Manifest manifest, long skip, RecordCodec codec, Func<Record, CancellationToken, ValueTask> send, CancellationToken ct)
    {
        foreach (var part in manifest.Refs)
        {
            var count = part.PlainBytes / ChunkRef.LengthBytes;
            if (skip >= count)
            {
                skip -= count;
                continue;
            }
            using var list = await ReadAsync(client, RecordKind.List, part.Id, ct);
            await send(list, ct);
            await SendChunksAsync(client, ChunkRef.Read(codec.Open(list, self.Value).Span), skip, send, ct);
            skip = 0;
        }
    }

    private async Task SendChunksAsync(ClientId client, ChunkRef[] refs, long skip, Func<Record, CancellationToken, ValueTask> send, CancellationToken ct)
    {
        for (var i = skip; i < refs.LongLength; i++)
        {
            using var chunk = await ReadAsync(client, RecordKind.Chunk, refs[i].Id, ct);
            await send(chunk, ct);
        }
    }

    private async Task<Record> ReadAsync(ClientId client, RecordKind kind, ChunkId id, CancellationToken ct) =>
        await store.ReadAsync(client, kind, id, ct) ?? throw Failure.NotFound($"{kind} {id} on node {self}").Exception();
}
