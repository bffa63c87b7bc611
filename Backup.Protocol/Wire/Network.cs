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
}
