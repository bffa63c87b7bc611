using System.Globalization;
using Backup.Protocol;

namespace Backup.Manager;

/// <summary>
/// A node as Redis keeps it: "epoch incarnation incarnationEpoch lostFiles zone|- freeBytes totalBytes storedBytes lastSeenMs address",
/// written by the scripts register-node and heartbeat-node.
/// </summary>
/// <param name="IncarnationEpoch">What was placed on it before this epoch lay in another data directory and is gone.</param>
/// <param name="LostFiles">Files of which it held a copy when it came back with another incarnation; 0 when it never did.</param>
public sealed record NodeLine(
    NodeId Id, long Epoch, Guid Incarnation, long IncarnationEpoch, long LostFiles, string? Zone, NodeSpace Space, long LastSeenMs, Uri Address)
{
    /// <summary>What stands for no zone.</summary>
    public const string NoZone = "-";

    public NodeRef Ref => new(Id, Address);

    public static NodeLine Parse(string id, string line)
    {
        var fields = line.Split(' ');
        return new NodeLine(NodeId.Parse(id), Number(fields[0]), Guid.ParseExact(fields[1], "N"), Number(fields[2]), Number(fields[3]),
            fields[4] == NoZone ? null : fields[4], new NodeSpace(Number(fields[5]), Number(fields[6]), Number(fields[7])),
            Number(fields[8]), new Uri(fields[9]));
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
