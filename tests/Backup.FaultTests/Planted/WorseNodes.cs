using Backup.FaultTests.Simulation;
using Backup.Protocol;

namespace Backup.FaultTests.Planted;

/// <summary>Takes work of any epoch.</summary>
internal sealed class IgnoresEpochs(int number, string root, int seed, World world) : SimNode(number, root, seed, world.Clock, world.Network, world.Violations, null)
{
    protected override Task<StoreReply> StoreAsync(Running node, ClientId client, NodeId[] nodes, long epoch, Stream body) =>
        base.StoreAsync(node, client, nodes, nodes[0] == Id ? Math.Max(epoch, node.Peers.Epoch) : epoch, body);

    protected override Task<StoreReply> StoreReplicaAsync(Running node, ClientId client, NodeId[] nodes, long epoch, Stream body) =>
        base.StoreReplicaAsync(node, client, nodes, Math.Max(epoch, node.Peers.Epoch), body);
}

/// <summary>A primary that is content with its own copy when the replica does not answer.</summary>
internal sealed class ContentWithOneCopy(int number, string root, int seed, World world) : SimNode(number, root, seed, world.Clock, world.Network, world.Violations, null)
{
    protected override async Task<StoreReply> StoreAsync(Running node, ClientId client, NodeId[] nodes, long epoch, Stream body)
    {
        try
        {
            return await base.StoreAsync(node, client, nodes, epoch, body);
        }
        catch (FailureException e) when (e.Failure.Code == FailureCode.ReplicaUnreachable && nodes[0] == Id)
        {
            return new StoreReply(nodes, 1, 1);
        }
    }
}

/// <summary>A replica that answers before it has made anything durable.</summary>
internal sealed class AnswersEarly(int number, string root, int seed, World world) : SimNode(number, root, seed, world.Clock, world.Network, world.Violations, null)
{
    protected override async Task<StoreReply> StoreReplicaAsync(Running node, ClientId client, NodeId[] nodes, long epoch, Stream body)
    {
        node.Peers.CheckEpoch(epoch);
        using var segment = await node.Receiver.ReceiveAsync(client, nodes, body, _ => ValueTask.CompletedTask, default);
        return new StoreReply([Id], segment.Appended, segment.Bytes);
    }
}

/// <summary>Reads for whoever asks as if the owner did.</summary>
internal sealed class AnswersAnyone(int number, string root, int seed, World world) : SimNode(number, root, seed, world.Clock, world.Network, world.Violations, null)
{
    protected override ClientId WhoAsks(ClientId client, ReadRequest request) => world.Clients[0];
}
