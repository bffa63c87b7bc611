using Backup.Protocol;

namespace Backup.ClusterTests;

/// <summary>The cluster as its clients see it, and as its processes look from outside.</summary>
public static class ClusterAccess
{
    public static Uri[] Addresses(this RunningCluster cluster) => [.. Enumerable.Range(1, cluster.Nodes).Select(cluster.NodeAddress)];

    /// <summary>As one client, through these nodes, or through all.</summary>
    public static ClusterConnection Connect(this RunningCluster cluster, ClientId client, params Uri[] through) =>
        new(through.Length > 0 ? through : cluster.Addresses(), client);

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
