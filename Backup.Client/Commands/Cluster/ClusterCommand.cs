using System.CommandLine;

namespace Backup.Client;

/// <summary><c>cluster</c>, under which all stands that concerns the cluster as a whole.</summary>
internal sealed class ClusterCommand : Command
{
    public ClusterCommand() : base("cluster", "Look after the cluster")
    {
        Add(new ClusterStatusCommand());
        Add(new ClusterNodesCommand());
        Add(new ClusterEventsCommand());
        Add(new ClusterDrainCommand());
        Add(new ClusterUndrainCommand());
        Add(new ClusterRepairCommand());
        Add(new ClusterRebalanceCommand());
        Add(new ClusterWhatIfCommand());
        Add(new ClusterRebuildCommand());
        Add(new ClusterClientsCommand());
        Add(new ClusterFineCommand());
        Add(new ClusterQuotaCommand());
        this.SetAction(_ => (int)ExitCode.Usage);
    }
}
