using System.Text.Json;
using System.Text.Json.Serialization;
using Backup.Protocol;

namespace Backup.Client;

// What --json prints, apart from the wire's own types so that the two can change independently. COMMANDS.md describes it.

/// <summary>A stored version: a line of `list`, `versions` and `where`, a receipt of `backup` and `delete`.</summary>
/// <param name="Nodes">Primary first.</param>
internal sealed record FileShape(
    string Path, long Version, string Kind, string Time, long SizeBytes, string Digest, string[] Nodes, int CopiesOwed, string? TraceId,
    long? MtimeNs = null, string? Mode = null, NodeRef[]? Addresses = null, CopyShape[]? Copies = null)
{
    public static FileShape Of(FileVersion file, NodeRef[]? addresses = null, CopyShape[]? copies = null) => new(
        file.Path.Value, file.Version, NameOf(file.Kind), Times.Iso(file.TimeMs), file.SizeBytes, file.Digest.ToString(),
        [.. file.Nodes.Select(node => node.Value)], file.CopiesOwed, file.TraceId, file.MtimeNs, Sizes.Mode(file.Mode), addresses, copies);

    public static FileShape Of(Receipt file) => new(
        file.Path.Value, file.Version, NameOf(file.Kind), Times.Iso(file.TimeMs), file.SizeBytes, file.Digest.ToString(),
        [.. file.Nodes.Select(node => node.Value)], file.CopiesOwed, file.TraceId);

    public static string NameOf(VersionKind kind) => kind.ToString().ToLowerInvariant();
}

/// <summary>One copy, as its node sees it.</summary>
/// <param name="State">"good", "damaged", "missing", or "unknown" when the node cannot be asked.</param>
internal sealed record CopyShape(string Node, string State, string? Verified)
{
    public static CopyShape Of(NodeId node, CopyState? copy) => new(node.Value,
        copy is null ? "unknown" : copy.Damaged ? "damaged" : copy.Held ? "good" : "missing", copy?.VerifiedMs is { } at ? Times.Iso(at) : null);
}

/// <summary>What would be done: a line of a dry run.</summary>
internal sealed record PlannedShape(string Path, string Kind, long SizeBytes);

internal sealed record FailureShape(string Code, string Message, string Culprit, string Advice)
{
    public static FailureShape Of(Failure failure) => new(JsonNamingPolicy.CamelCase.ConvertName(failure.Code.ToString()), failure.Message, failure.Culprit, failure.Advice);
}

/// <summary>On standard error when a command failed.</summary>
internal sealed record ErrorShape(FailureShape Error)
{
    public ErrorShape(Failure failure) : this(FailureShape.Of(failure))
    {
    }
}

internal sealed record BackupShape(
    bool DryRun, long Stored, long Unchanged, long Deleted, long Failed, long BytesRead, long BytesSent, long BytesDeduplicated, long ElapsedMs,
    long CopiesOwed, IReadOnlyDictionary<string, long> Nodes, FileShape[] Receipts, FailureShape[] Problems,
    long Folders, string? Snapshot, FailureShape? SnapshotProblem, bool? Interrupted = null, long LinksOutside = 0)
{
    public static BackupShape Of(BackupSummary summary) => new(summary.DryRun, summary.Stored, summary.Unchanged, summary.Deleted, summary.Failed,
        summary.BytesRead, summary.BytesSent, summary.BytesDeduplicated, summary.ElapsedMs, summary.CopiesOwed, summary.Nodes,
        [.. summary.Receipts.Select(FileShape.Of)], [.. summary.Problems.Select(FailureShape.Of)], summary.Folders, summary.Snapshot,
        summary.SnapshotFailure is { } failure ? FailureShape.Of(failure) : null, summary.Interrupted ? true : null, summary.LinksOutside);
}

internal sealed record RestoreShape(bool DryRun, string To, long Restored, long Failed, long Bytes, long ElapsedMs, FailureShape[] Problems, long Folders, long There)
{
    public static RestoreShape Of(RestoreSummary summary) => new(summary.DryRun, summary.To, summary.Restored, summary.Failed, summary.Bytes,
        summary.ElapsedMs, [.. summary.Problems.Select(FailureShape.Of)], summary.Folders, summary.There);
}

internal sealed record DeleteShape(bool DryRun, long Deleted, long Failed, FileShape[] Receipts, FailureShape[] Problems)
{
    public static DeleteShape Of(DeleteSummary summary) => new(summary.DryRun, summary.Deleted, summary.Failed,
        [.. summary.Receipts.Select(FileShape.Of)], [.. summary.Problems.Select(FailureShape.Of)]);
}

internal sealed record NodeShape(
    string Id, string Address, string State, long Files, long FreeBytes, long TotalBytes, long StoredBytes, string? Zone, long Epoch, string LastSeen);

internal sealed record ClusterShape(
    bool Healthy, string[] Problems, NodeShape[] Nodes, int Copies, long Clients, long Reserved, string Time, long CopiesOwed, ClusterRepairShape? Repair)
{
    public static ClusterShape Of(ClusterStatus status) => new(status.Healthy, status.Problems, [.. status.Nodes.Select(Of)], status.Copies,
        status.Clients, status.Reserved, Times.Iso(status.NowMs), status.CopiesOwed, status.Repair is { } repair ? ClusterRepairShape.Of(repair) : null);

    public static NodeShape Of(NodeStatus node) => new(node.Id.Value, node.Address.ToString(), node.State.ToString().ToLowerInvariant(), node.Files,
        node.Space.FreeBytes, node.Space.TotalBytes, node.Space.StoredBytes, node.Zone, node.Epoch, Times.Iso(node.LastSeenMs));
}

/// <summary>How far the making of copies is, or how the last pass ended.</summary>
internal sealed record ClusterRepairShape(bool Running, string[] Reasons, long VersionsExamined, long VersionsCopied, long BytesCopied, long VersionsLeft, long VersionsLost)
{
    public static ClusterRepairShape Of(RepairStatus repair) => new(
        repair.Running, repair.Reasons, repair.VersionsExamined, repair.VersionsCopied, repair.BytesCopied, repair.VersionsLeft, repair.VersionsLost);
}

internal sealed record SettingsShape(string? File, string[] Servers, string? Root, string? Client, string[] Exclude, string[] Include, string Catalogue, long? BandwidthBytesPerSecond = null);

internal sealed record SnapshotShape(string Name, string Time, bool Automatic, string? PinnedUntil, string[]? Reasons = null)
{
    public static SnapshotShape Of(Snapshot snapshot, string[]? reasons = null) => new(snapshot.Name, Times.Iso(snapshot.TimeMs), snapshot.Automatic,
        snapshot.PinnedUntilMs is { } until ? Times.Iso(until) : null, reasons);
}

internal sealed record SnapshotDeletedShape(string Deleted);

internal sealed record RetentionShape(bool Applied, SnapshotShape[] Kept, SnapshotShape[] Dropped, long Versions, long Bytes, string? UndoUntil)
{
    public static RetentionShape Of(RetentionReply reply, bool applied) => new(applied, [.. reply.Kept.Select(kept => SnapshotShape.Of(kept.Snapshot, kept.Reasons))],
        [.. reply.Dropped.Select(snapshot => SnapshotShape.Of(snapshot))], reply.Versions, reply.Bytes, reply.UndoUntilMs > 0 ? Times.Iso(reply.UndoUntilMs) : null);
}

internal sealed record UndoShape(SnapshotShape[] Snapshots, long Versions)
{
    public static UndoShape Of(UndoReply reply) => new([.. reply.Snapshots.Select(snapshot => SnapshotShape.Of(snapshot))], reply.Versions);
}

internal sealed record UndeleteShape(bool DryRun, long Undeleted, long Folders, long Failed, long BytesSent, FileShape[] Receipts, FailureShape[] Problems)
{
    public static UndeleteShape Of(UndeleteSummary summary) => new(summary.DryRun, summary.Undeleted, summary.Folders, summary.Failed, summary.BytesSent,
        [.. summary.Receipts.Select(FileShape.Of)], [.. summary.Problems.Select(FailureShape.Of)]);
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, GenerationMode = JsonSourceGenerationMode.Default)]
[JsonSerializable(typeof(FileShape))]
[JsonSerializable(typeof(PlannedShape))]
[JsonSerializable(typeof(ErrorShape))]
[JsonSerializable(typeof(BackupShape))]
[JsonSerializable(typeof(RestoreShape))]
[JsonSerializable(typeof(DeleteShape))]
[JsonSerializable(typeof(ClusterShape))]
[JsonSerializable(typeof(SettingsShape))]
[JsonSerializable(typeof(SnapshotShape))]
[JsonSerializable(typeof(SnapshotDeletedShape))]
[JsonSerializable(typeof(RetentionShape))]
[JsonSerializable(typeof(UndoShape))]
[JsonSerializable(typeof(UndeleteShape))]
[JsonSerializable(typeof(DiffShape))]
[JsonSerializable(typeof(VerifyShape))]
[JsonSerializable(typeof(NodeShape))]
[JsonSerializable(typeof(EventShape))]
[JsonSerializable(typeof(RepairShape))]
[JsonSerializable(typeof(WhatIfShape))]
[JsonSerializable(typeof(RebuildShape))]
[JsonSerializable(typeof(DrillShape))]
[JsonSerializable(typeof(RunShape))]
[JsonSerializable(typeof(ClientShape))]
[JsonSerializable(typeof(WatchShape))]
[JsonSerializable(typeof(ScheduleShape))]
[JsonSerializable(typeof(FindingShape))]
[JsonSerializable(typeof(InitShape))]
[JsonSerializable(typeof(KeyShape))]
internal sealed partial class OutputJson : JsonSerializerContext;
