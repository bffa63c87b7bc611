using System.Collections.Concurrent;
using System.Globalization;
using Backup.Manager.Collection;
using Backup.Manager.Redis;
using Backup.Protocol;

namespace Backup.Manager;

/// <summary>
/// Lets nodes keep the named moments of each client, and gives them back when the metadata is rebuilt. They are sent to all nodes
/// that live whenever they change; one that is away then has an older state, and of several the newest counts.
/// </summary>
public sealed partial class MomentKeeper(Metadata metadata, Snapshots snapshots, TimeProvider time, ILogger<MomentKeeper> log, Network? network = null)
{
    /// <summary>Writing a small file is one fsync. A node that takes longer is not waited for: the others keep it.</summary>
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<Uri, IInventory> nodes = new();

    /// <summary>On return every node that answered keeps them.</summary>
    public async Task KeepAsync(ClientId client, CancellationToken ct)
    {
        var (known, moments) = await snapshots.ReadAsync(client, ct);
        var nowMs = time.GetUtcNow().ToUnixTimeMilliseconds();
        var living = (await metadata.ReadPairsAsync(Keys.Nodes, ct)).Select(pair => NodeLine.Parse(pair.Name, pair.Value))
            .Where(node => node.LastSeenMs + Leases.Node.TotalMilliseconds > nowMs);
        await Task.WhenAll(living.Select(node => SendAsync(node.Ref, new ClientMoments(client, moments, known), ct)));
    }

    /// <returns>False when the duty has passed to another manager.</returns>
    public async Task<bool> RestoreAsync(long token, ClientMoments kept, CancellationToken ct)
    {
        var call = new ScriptCall(Script.ReturnMoments) { Count = kept.Snapshots.Length }
            .Key(Keys.Duty(VersionMerger.Duty), Keys.Snapshots(kept.Client), Keys.Seq(kept.Client)).Arg(token).Arg(kept.Moments);
        foreach (var snapshot in kept.Snapshots)
            call.Arg(snapshot.Name).Arg(string.Create(CultureInfo.InvariantCulture, $"{snapshot.TimeMs} {(snapshot.Automatic ? 1 : 0)} {snapshot.PinnedUntilMs?.ToString(CultureInfo.InvariantCulture) ?? "-"}"));
        return (await metadata.RunAsync(call, ct))[0].Text == "ok";
    }

    private async Task SendAsync(NodeRef node, ClientMoments moments, CancellationToken ct)
    {
        try
        {
            await nodes.GetOrAdd(node.Address, (address, id) => (network ?? Network.Real).Reach<IInventory>(address, id.Value, FailureCode.NodeUnreachable, AnswerTime), node.Id)
                .KeepAsync(moments, ct);
        }
        catch (FailureException e)
        {
            LogNotKept(node.Id, moments.Client, e.Failure.Message);
        }
    }

    [LoggerMessage(LogLevel.Warning, "Node {Node} does not keep the newest snapshots of client {Client}: {Reason}")]
    private partial void LogNotKept(NodeId node, ClientId client, string reason);
}
