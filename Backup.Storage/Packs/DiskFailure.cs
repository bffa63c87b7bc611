using Backup.Protocol;
using Microsoft.Data.Sqlite;

namespace Backup.Storage.Packs;

/// <summary>Turns what the operating system and SQLite say of a disk into the closed set of failures.</summary>
internal static class DiskFailure
{
    // errno values of Linux; SQLite's result codes.
    private const int NoSpace = 28; // ENOSPC
    private const int OverQuota = 122; // EDQUOT
    private const int ReadOnly = 30; // EROFS
    private const int HandlesOfAll = 23; // ENFILE
    private const int HandlesOfOne = 24; // EMFILE
    private const int SqliteFull = 13;
    private const int SqliteCannotOpen = 14;

    /// <summary>Whether this is the disk speaking and not a bug.</summary>
    public static bool Is(Exception e) => e is IOException or UnauthorizedAccessException or SqliteException;

    public static Failure Of(Exception e, string node, string doing) => e switch
    {
        FailureException failure => failure.Failure,
        IOException { HResult: NoSpace or OverQuota } or SqliteException { SqliteErrorCode: SqliteFull } => Full(node),
        IOException { HResult: ReadOnly } or UnauthorizedAccessException => new Failure(FailureCode.DiskFailed,
            $"The data directory of node {node} cannot be written: {doing} was refused ({e.Message}).", node,
            "Make its file system writable for the node's user again; what is stored can be read meanwhile."),
        IOException { HResult: HandlesOfAll or HandlesOfOne } or SqliteException { SqliteErrorCode: SqliteCannotOpen } => new Failure(FailureCode.DiskFailed,
            $"Node {node} could open no more files while {doing}: {e.Message}.", node,
            "It goes on when handles are free; should it last, allow the node more of them (ulimit -n)."),
        _ => new Failure(FailureCode.DiskFailed, $"The disk of node {node} failed while {doing}: {e.Message}.", node,
            "Nothing unsafe was acknowledged; another node is chosen. Look at that machine's disk."),
    };

    public static Failure Full(string node) => new(FailureCode.NodeFull, $"The disk of node {node} is full.", node,
        "Another node is chosen; free space there, or add a node.");
}
