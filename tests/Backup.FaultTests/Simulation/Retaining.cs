using Backup.Protocol;

namespace Backup.FaultTests.Simulation;

/// <summary>The steps of a run in which moments are named, retention drops what they do not show, and is undone; from a random source of its own.</summary>
internal sealed class Retaining(World world)
{
    /// <summary>Longer than what was dropped can be brought back.</summary>
    private static readonly TimeSpan AfterUndoTime = TimeSpan.FromDays(8);

    private readonly Random random = new(SimNetwork.HashCode(world.Seed, "retention"));
    private int moments;

    public int Operations { get; private set; }

    public async Task StepAsync(IReadOnlyDictionary<ClientId, ClusterConnection> connections, Func<Task> upload)
    {
        // Half of the steps are followed by one of these.
        var (kind, client) = (random.Next(20), world.Clients[random.Next(world.Clients.Length)]);
        if (kind >= 10)
            return;
        Operations++;
        switch (kind)
        {
            case < 4:
                var name = $"s{++moments}";
                await TryAsync($"snapshot {name} of {client}", async () => await connections[client].AskAsync(node => node.SnapshotAsync(client, new SnapshotRequest(name, Automatic: true), default), default));
                break;
            case < 7:
                var (last, isAtOnce) = (random.Next(1, 3), random.Next(3) == 0);
                world.Ledger.Retain(client);
                var retention = TryAsync($"retention of {client}, last {last}", () => RetainAsync(connections[client], last));
                await Task.WhenAll(retention, isAtOnce ? upload() : Task.CompletedTask);
                break;
            case < 9:
                await TryAsync($"undo of {client}", async () => (await connections[client].AskAsync(node => node.UndoRetentionAsync(client, default), default)).Versions);
                break;
            default:
                world.Note($"{AfterUndoTime} pass");
                await world.PassAsync(AfterUndoTime);
                await world.Manager.WorkAsync();
                break;
        }
    }

    private static async Task<object> RetainAsync(ClusterConnection connection, int last)
    {
        var reply = await connection.AskAsync(node => node.RetainAsync(connection.Client, new RetentionRequest(new RetentionPolicy(Last: last), Apply: true), default), default);
        return $"{reply.Versions} versions, {reply.Dropped.Length} moments";
    }

    private async Task TryAsync(string what, Func<Task<object>> call)
    {
        try
        {
            world.Note($"{what}: {await call()}");
        }
        catch (FailureException e)
        {
            world.Note($"{what}: {e.Failure.Code} {e.Failure.Message}");
        }
    }
}
