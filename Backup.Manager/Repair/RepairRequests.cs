using Backup.Manager.Redis;
using Backup.Protocol;

namespace Backup.Manager;

/// <summary>What a person asks of repair: it is noted, and done by whichever manager has the duty.</summary>
public sealed class RepairRequests(Metadata metadata, ClusterView view)
{
    public async Task<RepairStatus> ReadAsync(CancellationToken ct) => (await view.ReadAsync(ct)).Repair.ToStatus();

    public Task<RepairStatus> AskRepairAsync(CancellationToken ct) => AskAsync(RepairPass.AskedField, ct);

    public Task<RepairStatus> AskRebalanceAsync(CancellationToken ct) => AskAsync(RepairPass.RebalanceField, ct);

    private async Task<RepairStatus> AskAsync(string field, CancellationToken ct)
    {
        await metadata.RunAsync(new ScriptCall(Script.AskRepair).Key(Keys.Repair).Arg("1").Arg(field), ct);
        return await ReadAsync(ct);
    }
}
