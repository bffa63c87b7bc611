using System.Security.Cryptography;
using Backup.Manager.Redis;

namespace Backup.Manager;

/// <summary>
/// A background duty that one manager has at a time. The token grows with each new holder and goes with everything done
/// under the duty, so that a manager that was paused and resumed cannot act on a lease it has lost.
/// </summary>
/// <param name="onLostMetadata">It may be held while the metadata is being rebuilt; others rest then.</param>
public sealed class DutyLease(Metadata metadata, TimeProvider time, string duty, bool onLostMetadata = false)
{
    private readonly string holder = RandomNumberGenerator.GetHexString(16, lowercase: true);

    /// <summary>Takes the duty or renews it.</summary>
    /// <returns>The fencing token, or null while another manager has the duty.</returns>
    public async Task<long?> TakeAsync(CancellationToken ct)
    {
        var now = time.GetUtcNow();
        var reply = await metadata.RunAsync(new ScriptCall(Script.LeaseDuty).Key(Keys.Duty(duty), Keys.Rebuild)
            .Arg(now.ToUnixTimeMilliseconds()).Arg((now + Leases.Duty).ToUnixTimeMilliseconds()).Arg(holder).Arg(onLostMetadata ? "1" : "0"), ct);
        return reply.Number is var token and > 0 ? token : null;
    }
}
