namespace Backup.Protocol;

/// <summary>
/// How a process reaches others. A fault seam: the fault tests put links in its place that lose, repeat, hold back and reorder
/// requests and answers, in one direction or both.
/// </summary>
public class Network
{
    /// <summary>HTTP, as <see cref="Clients"/> makes it.</summary>
    public static readonly Network Real = new();

    /// <inheritdoc cref="Clients.Create"/>
    public virtual T Reach<T>(Uri address, string culprit, FailureCode unreachable = FailureCode.NodeUnreachable, TimeSpan? answerTime = null) where T : class =>
        Clients.Create<T>(address, culprit, unreachable, answerTime);

    /// <summary>What is shown wherever this leads; null where that differs, or is nothing.</summary>
    public virtual IProof? Proof => null;
}

/// <summary>The network as a client has it: the same proof everywhere.</summary>
public sealed class ProvingNetwork(IProof proof) : Network
{
    public override IProof? Proof => proof;

    public override T Reach<T>(Uri address, string culprit, FailureCode unreachable = FailureCode.NodeUnreachable, TimeSpan? answerTime = null) =>
        Clients.Create<T>(address, culprit, unreachable, answerTime, proof);
}

/// <summary>The network as processes of the cluster have it: each request signed for the one it goes to.</summary>
/// <param name="nodeAt">Which node's address it is, where only that is known; fails where it is no node's.</param>
public sealed class PeerNetwork(PeerGrants grants, Func<Uri, CancellationToken, ValueTask<string>> nodeAt) : Network
{
    public override T Reach<T>(Uri address, string culprit, FailureCode unreachable = FailureCode.NodeUnreachable, TimeSpan? answerTime = null) =>
        Clients.Create<T>(address, culprit, unreachable, answerTime, culprit == address.Authority ? grants.To(nodeAt) : grants.To(culprit));
}
