using System.Globalization;
using Backup.Manager.Redis;
using Backup.Protocol;

namespace Backup.Manager;

/// <summary>Whether the metadata is lost, and how far its rebuilding is, as Redis keeps it (library-rebuild).</summary>
/// <param name="Epoch">Nodes that registered up to it have not been heard of since the loss.</param>
/// <param name="Left">Nodes that are still being read.</param>
public sealed record RebuildState(bool IsLost, bool WasLost, string Reason, long SinceMs, long Epoch, long Restored, NodeId[] Left, long EndedMs)
{
    public IEnumerable<string> Problems => IsLost ? [$"The metadata is being rebuilt from the nodes, and writes wait: {Reason}."] : [];

    public static RebuildState Of(IEnumerable<(string Name, string Value)> fields)
    {
        var hash = fields.ToDictionary(pair => pair.Name, pair => pair.Value);
        var state = hash.GetValueOrDefault("state", "");
        return new RebuildState(state == "lost", state.Length > 0, hash.GetValueOrDefault("reason", ""), Number("sinceMs"), Number("epoch"), Number("restored"),
            [.. FileLines.Names(hash.GetValueOrDefault("left", "")).Select(name => NodeId.Parse(name))], Number("endedMs"));

        long Number(string name) => long.Parse(hash.GetValueOrDefault(name, "0"), CultureInfo.InvariantCulture);
    }

    public RebuildStatus ToStatus() => new(IsLost, Left, Restored, SinceMs, EndedMs);
}

/// <summary>Starts the rebuilding of the metadata by hand, and says how far it is.</summary>
public sealed class Rebuilder(Metadata metadata, TimeProvider time) : IRebuilder
{
    public async Task<RebuildState> ReadAsync(CancellationToken ct) => RebuildState.Of(await metadata.ReadPairsAsync(Keys.Rebuild, ct));

    public async Task<RebuildStatus> RebuildStatusAsync(CancellationToken ct) => (await ReadAsync(ct)).ToStatus();

    public async Task<RebuildStatus> RebuildAsync(CancellationToken ct)
    {
        await metadata.RunAsync(new ScriptCall(Script.DeclareRebuild).Key(Keys.Rebuild, Keys.Inventoried, Keys.Epoch, Keys.Generation)
            .Arg(time.GetUtcNow().ToUnixTimeMilliseconds()).Arg("somebody asked for it"), ct);
        return await RebuildStatusAsync(ct);
    }
}
