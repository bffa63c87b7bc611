using System.Collections.Concurrent;
using Backup.Protocol;

namespace Backup.ClusterTests;

/// <summary>The cluster as its clients see it, and as its processes look from outside.</summary>
public static class ClusterAccess
{
    /// <summary>Each client enrols by itself when it first asks, as the real one does, and keeps its token for the run of the tests.</summary>
    private static readonly ConcurrentDictionary<ClientId, Enrolment> Enrolments = new();

    public static Uri[] Addresses(this RunningCluster cluster) => [.. Enumerable.Range(1, cluster.Nodes).Select(cluster.NodeAddress)];

    /// <summary>As one client, through these nodes, or through all.</summary>
    public static ClusterConnection Connect(this RunningCluster cluster, ClientId client, params Uri[] through) =>
        new(through.Length > 0 ? through : cluster.Addresses(), client,
            new NodeClients(client == ClientId.Guest ? null : new ProvingNetwork(Enrolments.GetOrAdd(client, c => new Enrolment(c, KeptTokens.InMemory)))));

    /// <summary>As a process of the cluster, signed with its key: what the manager sends to a node, or a node to the manager.</summary>
    /// <param name="to">A node's id, or "manager".</param>
    public static T ConnectAsPeer<T>(this RunningCluster cluster, string to, string from = Grant.Manager) where T : class
    {
        var key = ClusterKey.Parse(File.ReadAllText(Path.Combine(cluster.DataDirectory, "cluster.key")).Trim());
        return Clients.Create<T>(cluster.App.GetEndpoint(to, "http"), to, proof: new PeerGrants(key, from, TimeProvider.System).To(to));
    }

    /// <summary>Until every node has renewed its lease since now, and so has heard of what was committed and told of what it holds.</summary>
    public static async Task WaitForHeartbeatsAsync(this RunningCluster cluster)
    {
        var connection = cluster.Connect(ClientId.New());
        var now = (await connection.StatusAsync()).NowMs;
        using var patience = new CancellationTokenSource(RunningCluster.PatienceMax);
        while (!(await connection.StatusAsync()).Nodes.All(node => node.LastSeenMs > now))
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, patience.Token);
    }

    /// <summary>The most memory that each process had resident since its start.</summary>
    public static async Task<Dictionary<string, long>> PeakResidentBytesAsync(this RunningCluster cluster)
    {
        var peaks = new Dictionary<string, long>();
        foreach (var resource in cluster.Resources)
        {
            var status = await File.ReadAllLinesAsync($"/proc/{await cluster.ProcessIdAsync(resource)}/status");
            peaks[resource] = long.Parse(status.Single(line => line.StartsWith("VmHWM:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]) << 10;
        }
        return peaks;
    }
}
