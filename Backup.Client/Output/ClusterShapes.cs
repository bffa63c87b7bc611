using System.Text.Json;
using Backup.Protocol;

namespace Backup.Client;

internal sealed record EventShape(long Sequence, string Time, string Kind, string Severity, string Subject, string Message, string? TraceId)
{
    public static EventShape Of(ClusterEvent happened) => new(happened.Sequence, Times.Iso(happened.TimeMs), JsonNamingPolicy.CamelCase.ConvertName(happened.Kind.ToString()),
        happened.Severity.ToString().ToLowerInvariant(), happened.Subject, happened.Message, happened.TraceId);
}

internal sealed record RepairShape(
    bool Running, string[] Reasons, long VersionsExamined, long VersionsCopied, long BytesCopied, long VersionsLeft, long VersionsLost, long Failures, string? Started, string? Ended)
{
    public static RepairShape Of(RepairStatus repair) => new(repair.Running, repair.Reasons, repair.VersionsExamined, repair.VersionsCopied, repair.BytesCopied,
        repair.VersionsLeft, repair.VersionsLost, repair.Failures, Iso(repair.StartedMs), Iso(repair.EndedMs));

    /// <summary>Null for a time that has not been.</summary>
    public static string? Iso(long unixMs) => unixMs == 0 ? null : Times.Iso(unixMs);
}

internal sealed record WhatIfShape(string Node, long Files, long VersionsUnderCopied, long VersionsLost, long BytesToCopy, double Seconds, bool CanRepair)
{
    public static WhatIfShape Of(WhatIfReply reply) => new(reply.Node.Value, reply.Files, reply.VersionsUnderCopied, reply.VersionsLost, reply.BytesToCopy, reply.Seconds, reply.CanRepair);
}

internal sealed record RebuildShape(bool Running, string[] NodesLeft, long VersionsRestored, string? Started, string? Ended)
{
    public static RebuildShape Of(RebuildStatus rebuild) => new(rebuild.Running, [.. rebuild.NodesLeft.Select(node => node.Value)], rebuild.VersionsRestored,
        RepairShape.Iso(rebuild.StartedMs), RepairShape.Iso(rebuild.EndedMs));
}
