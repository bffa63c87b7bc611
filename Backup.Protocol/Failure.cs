using System.Net;

namespace Backup.Protocol;

/// <summary>The closed set of what can go wrong. The comment says when, <see cref="Failure"/> says what, who and what to do next.</summary>
public enum FailureCode
{
    /// <summary>The request is malformed or breaks a stated limit.</summary>
    InvalidRequest,

    /// <summary>A path is not one inside a client's root.</summary>
    InvalidPath,

    /// <summary>No such file, version, chunk or node.</summary>
    NotFound,

    /// <summary>Something is there already and would have been overwritten.</summary>
    AlreadyExists,

    /// <summary>No or wrong credentials.</summary>
    Unauthorized,

    /// <summary>Right credentials, wrong scope.</summary>
    Forbidden,

    /// <summary>A node could not be reached or went away in the middle.</summary>
    NodeUnreachable,

    /// <summary>The primary could not reach, or was refused by, the replica.</summary>
    ReplicaUnreachable,

    /// <summary>No manager could be reached.</summary>
    ManagerUnreachable,

    /// <summary>The manager cannot reach Redis, or Redis refuses writes.</summary>
    MetadataUnavailable,

    /// <summary>Fewer nodes are alive, not full and not draining than the policy asks copies.</summary>
    NotEnoughNodes,

    /// <summary>A node has reached its byte reserve, or its disk is full.</summary>
    NodeFull,

    /// <summary>The client would store more than it may.</summary>
    QuotaExceeded,

    /// <summary>A node's disk failed; it stopped using the pack concerned.</summary>
    DiskFailed,

    /// <summary>The placement is of an older epoch than the node accepts: place again.</summary>
    StaleEpoch,

    /// <summary>The reservation has expired or was never made: place again.</summary>
    ReservationGone,

    /// <summary>Bytes do not match the digest they were announced with.</summary>
    DigestMismatch,

    /// <summary>Stored bytes fail their checksum.</summary>
    Corrupt,

    /// <summary>A manifest names chunks that the node does not hold.</summary>
    MissingChunks,

    /// <summary>More work than the bound allows: try again later.</summary>
    Busy,

    /// <summary>It took longer than its deadline.</summary>
    TimedOut,

    /// <summary>The file changed or vanished while it was read.</summary>
    SourceChanged,

    /// <summary>The file cannot be read, is special, or lies outside the root.</summary>
    SourceUnreadable,

    /// <summary>The local disk refused a write, or a configuration file is unusable.</summary>
    LocalFailed,

    /// <summary>Names or content are encrypted at the client, and whoever asks has not the key, or a wrong one.</summary>
    KeyNeeded,

    /// <summary>The two sides speak different versions of the protocol or the format.</summary>
    VersionUnsupported,

    /// <summary>A bug. The log of the culprit has the details.</summary>
    Internal,
}

/// <summary>An expected failure as a value: what happened, who is the culprit, what to do next.</summary>
/// <param name="Code">The kind, from the closed set.</param>
/// <param name="Message">What happened, one sentence, no secret in it.</param>
/// <param name="Culprit">Who failed: a node id, 'manager', 'redis', 'metadata' while it is being rebuilt, 'client', or a path.</param>
/// <param name="Advice">What the reader can do next, one sentence.</param>
public sealed record Failure(FailureCode Code, string Message, string Culprit, string Advice)
{
    /// <summary>Whether the same request may succeed later or elsewhere without anybody changing anything.</summary>
    public bool IsTransient => Code is FailureCode.NodeUnreachable or FailureCode.ReplicaUnreachable or FailureCode.ManagerUnreachable
        or FailureCode.MetadataUnavailable or FailureCode.StaleEpoch or FailureCode.ReservationGone or FailureCode.Busy
        or FailureCode.TimedOut or FailureCode.NodeFull or FailureCode.DiskFailed or FailureCode.MissingChunks;

    /// <summary>Whether it says of a node that it should be given a rest: others can do its work.</summary>
    public bool CondemnsNode(out NodeId node) => NodeId.TryParse(Culprit, null, out node) && Code is FailureCode.NodeUnreachable or
        FailureCode.ReplicaUnreachable or FailureCode.TimedOut or FailureCode.NodeFull or FailureCode.DiskFailed or FailureCode.Corrupt;

    public HttpStatusCode Status => Code switch
    {
        FailureCode.InvalidRequest or FailureCode.InvalidPath or FailureCode.SourceUnreadable or FailureCode.SourceChanged => HttpStatusCode.BadRequest,
        FailureCode.Unauthorized => HttpStatusCode.Unauthorized,
        FailureCode.Forbidden => HttpStatusCode.Forbidden,
        FailureCode.NotFound => HttpStatusCode.NotFound,
        FailureCode.AlreadyExists or FailureCode.KeyNeeded or FailureCode.StaleEpoch or FailureCode.ReservationGone or FailureCode.MissingChunks => HttpStatusCode.Conflict,
        FailureCode.DigestMismatch => HttpStatusCode.UnprocessableEntity,
        FailureCode.NodeFull or FailureCode.QuotaExceeded => HttpStatusCode.InsufficientStorage,
        FailureCode.NodeUnreachable or FailureCode.ReplicaUnreachable or FailureCode.ManagerUnreachable => HttpStatusCode.BadGateway,
        FailureCode.MetadataUnavailable or FailureCode.NotEnoughNodes or FailureCode.Busy => HttpStatusCode.ServiceUnavailable,
        FailureCode.TimedOut => HttpStatusCode.GatewayTimeout,
        FailureCode.VersionUnsupported => HttpStatusCode.UpgradeRequired,
        _ => HttpStatusCode.InternalServerError,
    };

    /// <summary>What whoever wants to write is told while lost metadata is being rebuilt from the nodes.</summary>
    public static Failure Rebuilding { get; } = new(FailureCode.MetadataUnavailable,
        "The metadata was lost and is being rebuilt from the nodes; writes wait until that is done.", RebuiltCulprit,
        "Nothing to do: it goes on by itself, and `cluster status` says when it is done.");

    /// <summary>Whether it is <see cref="Rebuilding"/>, which ends by itself, though it may take minutes.</summary>
    public bool IsOfRebuild => Code == FailureCode.MetadataUnavailable && Culprit == RebuiltCulprit;

    /// <summary>Redis, which answers, is not to blame.</summary>
    private const string RebuiltCulprit = "metadata";

    public FailureException Exception(Exception? inner = null) => new(this, inner);

    public static Failure InvalidPath(string path, string wrong) => new(FailureCode.InvalidPath,
        $"'{Shorten(RootedPath.Escape(path))}' is not a path inside a root: {wrong}.", "client", "Use a relative path with '/' between its parts.");

    public static Failure InvalidRequest(string message) => new(FailureCode.InvalidRequest, message, "client", "Correct the request; it was not carried out.");

    public static Failure NotFound(string what) => new(FailureCode.NotFound, $"{what} is not stored.", "client", "List what is there and try again.");

    public static Failure Unreachable(NodeId node, string why) => new(FailureCode.NodeUnreachable,
        $"Node {node} cannot be reached: {why}.", node.Value, "Nothing to do while other nodes are up; if it lasts, look at that node's log.");

    public static Failure Corrupt(string what, string culprit) => new(FailureCode.Corrupt,
        $"{what} fails its checksum.", culprit, "It is not served; read the other copy, and repair this one.");

    private static string Shorten(string text) => text.Length <= 200 ? text : text[..200] + "…";
}

/// <summary>Carries a <see cref="Failure"/> across streams and awaits, to the one place that maps it to a response or a message.</summary>
public sealed class FailureException(Failure failure, Exception? inner = null) : Exception($"{failure.Code}: {failure.Message}", inner)
{
    public Failure Failure { get; } = failure;
}
