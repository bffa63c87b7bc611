using System.Collections.Concurrent;

namespace Backup.Protocol;

/// <summary>
/// A client's connection to a cluster through any of its nodes. It asks one gateway after the other until one answers, and
/// goes straight to a node where that can be reached, else through a gateway, which passes the request on.
/// </summary>
public sealed class ClusterConnection
{
    /// <summary>How long a request is repeated while nobody can answer it: a lease lapses after some seconds, a restart takes a few.</summary>
    private static readonly TimeSpan PatienceTime = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan PauseTime = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// How long while lost metadata is being rebuilt, which goes on by itself and ends: a million versions take some minutes. It is
    /// asked for less often then.
    /// </summary>
    private static readonly TimeSpan RebuildTime = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan RebuildPauseTime = TimeSpan.FromSeconds(2);

    /// <summary>After so long a person wonders. A lease that changes hands, or a restart, is over sooner.</summary>
    private static readonly TimeSpan SilenceTime = TimeSpan.FromSeconds(2);

    /// <summary>More tokens than a client keeps for one cluster.</summary>
    private const int RenewalsMax = 5;

    private readonly Uri[] servers;
    private readonly TimeProvider time;
    private readonly NodeClients clients;
    private readonly ConcurrentDictionary<NodeId, bool> unreachable = new();
    private int current;

    /// <param name="servers">Addresses of one or several nodes; any will do.</param>
    /// <param name="clients">Connections shared with others; its own when none are given.</param>
    public ClusterConnection(IReadOnlyList<Uri> servers, ClientId client, NodeClients? clients = null, TimeProvider? time = null)
    {
        if (servers.Count == 0)
            throw new Failure(FailureCode.InvalidRequest, "No server is named.", "client", "Name a node with --server http://host:port.").Exception();
        this.servers = [.. servers];
        this.clients = clients ?? new NodeClients();
        this.time = time ?? TimeProvider.System;
        Client = client;
    }

    public ClientId Client { get; }

    public TimeProvider Time => time;

    /// <summary>Is told once for each call that waits longer than a moment: whom it waits for, and why. It must not throw.</summary>
    public Action<Uri, Failure>? Waiting { get; init; }

    /// <summary>Of an encrypting client that has its key: nothing readable leaves, and nothing is taken that was not made with it.</summary>
    public ClientCipher? Cipher { get; init; }

    /// <summary>For everybody else: files are refused of clients that encrypt. Null for asking about none.</summary>
    public EncryptedClients? Encrypted { get; init; }

    /// <summary>Is told of stored names that were not made with the client's key; they are left out of listings. It must not throw.</summary>
    public Action<string>? Unreadable { get; init; }

    /// <summary>How fast content may be sent; null for as fast as it can.</summary>
    public SendLimit? Limit { get; init; }

    /// <summary>Asks whichever gateway answers. The call must be one that may be repeated; all of <see cref="INode"/> may.</summary>
    /// <exception cref="FailureException">It was refused, or nobody could answer within the patience, which is longer while metadata is being rebuilt.</exception>
    public async Task<T> AskAsync<T>(Func<INode, Task<T>> call, CancellationToken ct)
    {
        var started = time.GetTimestamp();
        var isTold = false;
        var renewals = 0;
        for (var tries = 1; ; tries++)
        {
            var at = Volatile.Read(ref current);
            var shown = clients.Generation;
            try
            {
                return await call(At(servers[at % servers.Length]));
            }
            catch (FailureException e) when (e.Failure.Code == FailureCode.Unauthorized && renewals < RenewalsMax && clients.Renew(shown))
            {
                renewals++;
            }
            catch (FailureException e) when (MayPass(e.Failure) && (tries < servers.Length || time.GetElapsedTime(started) < Patience(e.Failure)))
            {
                Interlocked.CompareExchange(ref current, at + 1, at);
                if (!isTold && time.GetElapsedTime(started) >= SilenceTime)
                {
                    isTold = true;
                    Waiting?.Invoke(servers[at % servers.Length], e.Failure);
                }
                // Every server once without waiting, then with pauses: somebody may be restarting.
                if (tries >= servers.Length)
                    await Task.Delay(e.Failure.IsOfRebuild ? RebuildPauseTime : PauseTime, time, ct);
            }
        }
    }

    /// <summary>Asks one node: straight, or through a gateway where it cannot be reached from here.</summary>
    /// <exception cref="FailureException">It refused, or no gateway reaches it either; the culprit is then the node's id.</exception>
    public async Task<T> AskNodeAsync<T>(NodeRef node, Func<INode, Task<T>> call)
    {
        // The straight way first, unless it failed the last time; then it is tried again next time, as it may be back.
        var ways = unreachable.TryRemove(node.Id, out _) ? [] : new List<Uri> { node.Address };
        var first = Volatile.Read(ref current);
        for (var i = 0; i < servers.Length; i++)
            ways.Add(servers[(first + i) % servers.Length]);
        foreach (var way in ways.Distinct())
        {
            try
            {
                return await call(At(way));
            }
            catch (FailureException e) when (e.Failure.Code == FailureCode.NodeUnreachable && e.Failure.Culprit != node.Id.Value)
            {
                if (way == node.Address)
                    unreachable[node.Id] = true;
            }
        }
        throw Failure.Unreachable(node.Id, "neither straight nor through another node").Exception();
    }

    private INode At(Uri server) => Cipher is not null ? new SealingNode(clients.At(server), Cipher, Unreadable)
        : Encrypted is not null ? new PlainNode(clients.At(server), Encrypted) : clients.At(server);

    private static TimeSpan Patience(Failure failure) => failure.IsOfRebuild ? RebuildTime : PatienceTime;

    /// <summary>Failures of the way, not of the request: another gateway, or the same a little later, may do.</summary>
    private static bool MayPass(Failure failure) => failure.Code
        is FailureCode.NodeUnreachable or FailureCode.ManagerUnreachable or FailureCode.MetadataUnavailable or FailureCode.Busy or FailureCode.TimedOut;
}

/// <summary>One typed client, and with it one pool of connections, for each node's address.</summary>
public sealed class NodeClients(Network? network = null)
{
    private readonly ConcurrentDictionary<Uri, INode> clients = new();

    public INode At(Uri address) => clients.GetOrAdd(address, a => (network ?? Network.Real).Reach<INode>(a, a.Authority));

    /// <inheritdoc cref="IProof.Generation"/>
    public int Generation => network?.Proof?.Generation ?? 0;

    /// <inheritdoc cref="IProof.Renew"/>
    public bool Renew(int generation) => network?.Proof?.Renew(generation) ?? false;
}
