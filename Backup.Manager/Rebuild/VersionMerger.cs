using Backup.Manager.Redis;
using Backup.Protocol;
using Microsoft.Extensions.Options;

namespace Backup.Manager;

/// <summary>Writes versions that nodes hold into the metadata, some of one client at a time.</summary>
public sealed class VersionMerger(Metadata metadata, Names names, IOptions<ClusterOptions> options)
{
    /// <summary>The duty under which it is done, see <see cref="RebuildWorker"/>.</summary>
    public const string Duty = "rebuild-metadata";

    /// <summary>Ids of what was dropped that are looked at for one client.</summary>
    private const int DropsMax = 100_000;

    private (ClientId Client, HashSet<long> Versions)? dropped;

    /// <param name="withHints">Whether these are all versions in their order, so that the last one to begin with a chunk says where such content lies.</param>
    /// <returns>Versions that were not known; null when the duty has passed to another manager.</returns>
    public async Task<long?> MergeAsync(long token, IEnumerable<IReadOnlyList<FoundCopy>> copies, bool withHints, CancellationToken ct)
    {
        var held = copies.Select(copy => FoundVersion.Of(copy, options.Value.Copies)).OfType<FoundVersion>().ToList();
        if (held.Count == 0)
            return 0;
        var client = held[0].Client;
        var gone = await DroppedAsync(client, ct);
        held.RemoveAll(version => gone.Contains(version.Head.Version));
        if (held.Count == 0)
            return 0;
        var leaves = await names.LeavesAsync(client, ct);
        for (var attempt = 0; ; attempt++)
        {
            var (call, leafKeys) = Call(token, client, held, leaves, withHints);
            var reply = await metadata.RunAsync(call, ct);
            if (reply[0].Text == "fenced")
                return null;
            if (reply[0].Text == "moved")
            {
                leaves = await names.MovedAsync(client, attempt, ct);
                continue;
            }
            await names.SplitAsync(client, reply[2].Texts, leafKeys, ct);
            return reply[1].Number;
        }
    }

    /// <summary>What was read of dropped versions is read anew.</summary>
    public void Begin() => dropped = null;

    private (ScriptCall Call, LeafKeys Leaves) Call(long token, ClientId client, List<FoundVersion> held, NameLeaves leaves, bool withHints)
    {
        var files = held.Select(version => version.Head.Path).Distinct().ToList();
        var numbers = files.Index().ToDictionary(file => file.Item, file => file.Index + 1);
        var call = new ScriptCall(Script.MergeVersions) { Count = held.Count }
            .Key(Keys.Duty(Duty), Keys.Rebuild, Keys.Seq(client), Keys.Loads, Keys.Candidates, Keys.Clients, Keys.Debts, Keys.Leaves(client), Keys.Generation)
            .Arg(token).Arg(options.Value.Copies).Arg(Keys.FilePrefix(client).Length).Arg(client.ToString())
            .Arg(leaves.Count).Arg(leaves.Last).Arg(NameLeaves.NamesMax).Arg(files.Count);
        foreach (var file in files)
            call.Key(Keys.File(client, file));
        var leafKeys = new LeafKeys(call, client, leaves);
        foreach (var file in files)
            call.Arg(leafKeys.IndexOf(file));
        foreach (var version in held)
            call.Arg(version.ToArgument(numbers[version.Head.Path], withHints ? call.AddHint(client, version.Head.SizeBytes, version.FirstChunk) : 0));
        return (call, leafKeys);
    }

    /// <summary>What retention dropped and the nodes have not forgotten yet: it must not come back by this way.</summary>
    private async Task<HashSet<long>> DroppedAsync(ClientId client, CancellationToken ct)
    {
        if (dropped is { } known && known.Client == client)
            return known.Versions;
        var versions = new HashSet<long>();
        foreach (var member in await metadata.ReadUpToAsync(Keys.Drops, long.MaxValue, DropsMax, ct))
        {
            if (member.Split(' ') is not [var owner, var id] || owner != client.ToString())
                continue;
            foreach (var (path, value) in Collection.Drops.Files(await metadata.ReadPairsAsync(Keys.Dropped(client, id), ct)))
                versions.UnionWith(FileLines.All(path, value).Select(version => version.Version));
        }
        dropped = (client, versions);
        return versions;
    }
}
