using Backup.Protocol;

namespace Backup.Manager.Collection;

/// <summary>Named moments and what is kept of the past. Not there yet: every call says so.</summary>
public sealed class Retention
{
    public Task<Snapshot> SnapshotAsync(ClientId client, SnapshotRequest request, CancellationToken ct) => throw NotYet();

    public Task<SnapshotsReply> SnapshotsAsync(ClientId client, CancellationToken ct) => throw NotYet();

    public Task<SnapshotsReply> DeleteSnapshotAsync(ClientId client, SnapshotDeleteRequest request, CancellationToken ct) => throw NotYet();

    public Task<RetentionReply> RetainAsync(ClientId client, RetentionRequest request, CancellationToken ct) => throw NotYet();

    public Task<UndoReply> UndoAsync(ClientId client, CancellationToken ct) => throw NotYet();

    private static FailureException NotYet() => new Failure(FailureCode.VersionUnsupported, "This manager has no retention yet.", "manager", "Use a newer manager.").Exception();
}
