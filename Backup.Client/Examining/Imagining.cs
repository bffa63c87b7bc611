using Backup.Protocol;

namespace Backup.Client;

/// <summary>What the death of a node would mean, asked piece by piece until all files were looked at.</summary>
internal static class Imagining
{
    public static async Task<WhatIfReply> WhatIfAsync(this ClusterConnection cluster, NodeId id, CancellationToken ct)
    {
        var reply = await cluster.AskAsync(node => node.WhatIfAsync(new WhatIfRequest(id), ct), ct);
        while (reply.Next is { } next)
            reply = await cluster.AskAsync(node => node.WhatIfAsync(new WhatIfRequest(id, next), ct), ct);
        return reply;
    }
}
