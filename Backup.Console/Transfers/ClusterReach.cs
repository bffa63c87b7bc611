using Backup.Protocol;
using Backup.WebConsole.SigningIn;

namespace Backup.WebConsole.Transfers;

/// <summary>
/// The console's way to the nodes: it reads and sends as any client does, on behalf of who is signed in. The manager vouches
/// for him, so each use demands his scope before.
/// </summary>
public sealed class ClusterReach(ICatalogue catalogue, Network network, EncryptedClients encrypted)
{
    private readonly NodeClients nodes = new(network);

    /// <exception cref="FailureException">No node is alive, or his files are encrypted.</exception>
    public async Task<ClusterConnection> ConnectAsync(Visitor visitor, CancellationToken ct)
    {
        await encrypted.RefuseAsync(catalogue, visitor.Client, ct);
        var status = await catalogue.ClusterAsync(ct);
        Uri[] alive = [.. status.Nodes.Where(node => node.State != NodeState.Dead).Select(node => node.Address)];
        if (alive.Length == 0)
            throw new Failure(FailureCode.NotEnoughNodes, "No node is alive.", "manager", "Start a node; the files are on the nodes' disks.").Exception();
        return new ClusterConnection(alive, visitor.Client, nodes);
    }
}
