using System.Text.Json.Serialization;

namespace Backup.Protocol;

/// <summary>What a client did. Names go over the wire; never reuse one for something else.</summary>
public enum RunKind
{
    Backup,
    Drill,
    Verify,
}

/// <summary>How it ended.</summary>
public enum RunOutcome
{
    Done,

    /// <summary>Done, but for some files or copies.</summary>
    Incomplete,

    Failed,

    /// <summary>Stopped by a person.</summary>
    Interrupted,
}

/// <summary>A client tells that something it did has ended. Repeating it changes nothing.</summary>
/// <param name="Id">Chosen by the client, 32 hex digits: names the run.</param>
/// <param name="StartedMs">By the client's clock, as <paramref name="EndedMs"/>: for people. The cluster goes by when it was told.</param>
/// <param name="Whole">It was about everything: only such backups tell anything of the client's rhythm.</param>
/// <param name="Message">Why it was not done; null when it was.</param>
public sealed record RunReport(
    string Id, RunKind Kind, RunOutcome Outcome, long StartedMs, long EndedMs, bool Whole, RunCounts Counts,
    string? TraceId = null, string? Message = null)
{
    /// <summary>A sentence or two; a client may say no more of itself.</summary>
    public const int MessageCharsMax = 1_000;

    /// <summary>How long it took; never negative, though the client's clock may have been set back meanwhile.</summary>
    [JsonIgnore]
    public long ElapsedMs => Math.Max(0, EndedMs - StartedMs);
}

/// <summary>What a run came to. Files of a backup and of a drill, copies of a verification.</summary>
/// <param name="Added">Never stored before.</param>
/// <param name="Changed">Stored before, and other now.</param>
/// <param name="Deleted">Stored before, and gone now.</param>
/// <param name="Same">As they are stored; of a drill or a verification those that were good.</param>
/// <param name="Failed">Those that could not be read or stored; of a drill or a verification those that were not good.</param>
public sealed record RunCounts(long Added, long Changed, long Deleted, long Same, long Failed, long BytesRead, long BytesSent);

/// <param name="ToldMs">When the cluster was told, by its own clock.</param>
public sealed record ClientRun(RunReport Report, long ToldMs);

/// <param name="Runs">Newest first: the last <see cref="RunsKept"/> of the kind.</param>
public sealed record RunsReply(ClientRun[] Runs)
{
    /// <summary>Some seven weeks of daily ones, at half a kilobyte each.</summary>
    public const int RunsKept = 50;
}

/// <summary>A backup that changed strangely much. Retention pauses for the client until an operator says that it is fine.</summary>
/// <param name="AtMs">When it was told.</param>
/// <param name="Files">Files stored before it.</param>
/// <param name="Touched">Of these, files that it changed or deleted.</param>
/// <param name="UsualPercent">Which share of its files the client's backups usually touch at most.</param>
public sealed record UnusualBackup(long AtMs, long Files, long Touched, int UsualPercent);

/// <summary>How the cluster sees a client.</summary>
/// <param name="LastBackupMs">When it told of its last whole backup; null before the first.</param>
/// <param name="UsualMs">How far apart these usually are at most; null until that is known.</param>
/// <param name="DueMs">When the next one is overdue; null until the rhythm is known.</param>
/// <param name="OverdueSinceMs">Null while none is.</param>
/// <param name="Unusual">Null when nothing is strange.</param>
/// <param name="FineUpToMs">What was told up to this moment an operator found fine.</param>
/// <param name="LastDrill">Null before the first.</param>
/// <param name="StoredBytes">The sizes of all its versions, each as if it were stored whole, until its nodes have forgotten it. Null where nobody asked for it.</param>
/// <param name="QuotaBytes">How much that may be; null for as much as there is space.</param>
public sealed record ClientStanding(
    ClientId Client, long? LastBackupMs = null, long? UsualMs = null, long? DueMs = null, long? OverdueSinceMs = null, UnusualBackup? Unusual = null, long FineUpToMs = 0, ClientRun? LastDrill = null,
    long? StoredBytes = null, long? QuotaBytes = null)
{
    [JsonIgnore]
    public bool IsAlarming => OverdueSinceMs is not null || Unusual is not null;
}

/// <param name="Clients">Those who have told of a run and whom the caller may see, those with an alarm first; at most <see cref="Limits.ListPageMax"/>.</param>
public sealed record ClientsReply(ClientStanding[] Clients);

/// <summary>An operator says how much a client may store.</summary>
/// <param name="Bytes">Null for as much as there is space.</param>
public sealed record QuotaRequest(ClientId Client, long? Bytes = null);

/// <summary>An operator says that what this client did is fine.</summary>
public sealed record FineRequest(ClientId Client);
