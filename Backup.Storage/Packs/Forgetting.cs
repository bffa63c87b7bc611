using System.Text.Json;
using System.Text.Json.Serialization;
using Backup.Protocol;

namespace Backup.Storage.Packs;

/// <summary>The payload of a record of kind Forget.</summary>
internal sealed record ForgottenVersions(long[] Versions)
{
    public static Record ToRecord(ClientId client, long[] versions) => Record.Of(RecordKind.Forget, client,
        JsonSerializer.SerializeToUtf8Bytes(new ForgottenVersions(versions), PackJson.Default.ForgottenVersions));

    /// <returns>Null when these bytes are no such payload.</returns>
    public static long[]? TryRead(ReadOnlySpan<byte> payload)
    {
        try
        {
            return JsonSerializer.Deserialize(payload, PackJson.Default.ForgottenVersions)?.Versions;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(ForgottenVersions))]
internal sealed partial class PackJson : JsonSerializerContext;

/// <summary>Writes down that versions are forgotten. The record and its effect on the index are one commit.</summary>
internal static class Forgetting
{
    /// <summary>What a version that is being forgotten is claimed with: no manifest has this id.</summary>
    private static readonly ChunkId Nothing = default;

    public static async Task<int> RunAsync(PackStore store, ClientId client, long[] versions, long? upToEpoch, CancellationToken ct)
    {
        if (versions.Length > Limits.FilesPerCallMax)
            throw Failure.InvalidRequest($"At most {Limits.FilesPerCallMax} versions are forgotten at once.").Exception();
        await store.Order.WaitAsync(ct);
        try
        {
            using var claims = new ClaimedVersions(store.Versions, client);
            foreach (var version in versions)
            {
                if (!claims.TryAdd(version, Nothing))
                    throw new Failure(FailureCode.Busy, $"Version {version} is being stored by another request.", store.Options.NodeId.Value, "Ask again in a moment.").Exception();
            }
            var held = versions.Distinct().Where(version => store.Index.FindManifest(client, version) is not null).Order().ToArray();
            if (upToEpoch is { } epoch)
                held = await PlacedUpToAsync(store, client, held, epoch, ct);
            if (held.Length == 0)
                return 0;
            using var batch = new PackBatch(store, client) { MayUseReserve = true };
            using var record = ForgottenVersions.ToRecord(client, held);
            await batch.ForgetAsync(record, held, ct);
            // Once handed over it finishes; giving up waiting would give the lock back too early.
            await batch.CommitAsync(CancellationToken.None);
            return held.Length;
        }
        finally
        {
            store.Order.Release();
        }
    }

    /// <summary>Those whose manifests were placed here in this epoch or before.</summary>
    private static async Task<long[]> PlacedUpToAsync(PackStore store, ClientId client, long[] versions, long epoch, CancellationToken ct)
    {
        var placed = new List<long>(versions.Length);
        foreach (var version in versions)
        {
            using var record = await store.ReadManifestAsync(client, version, ct);
            if (record is not null && store.OpenManifest(record, store.Options.NodeId.Value).Head.Epoch <= epoch)
                placed.Add(version);
        }
        return [.. placed];
    }

    /// <summary>Claims these versions as forgotten, all or none.</summary>
    public static bool TryClaim(ClaimedVersions claims, long[] versions) => versions.All(version => claims.TryAdd(version, Nothing));
}

/// <summary>Versions claimed together, and given back together.</summary>
internal sealed class ClaimedVersions(VersionClaims versions, ClientId client) : IDisposable
{
    private readonly List<long> held = [];

    public bool TryAdd(long version, in ChunkId id)
    {
        if (!versions.TryClaim(client, version, id))
            return false;
        held.Add(version);
        return true;
    }

    public void Dispose() => held.ForEach(version => versions.Release(client, version));
}
