using Backup.Protocol;

namespace Backup.Client;

/// <summary>What the process says to whoever started it. The one list; the help prints it.</summary>
internal enum ExitCode
{
    /// <summary>All was done.</summary>
    Done = 0,

    /// <summary>It could not be done.</summary>
    Failed = 1,

    /// <summary>The command line, or the configuration, makes no sense.</summary>
    Usage = 2,

    /// <summary>Done, but some files could not be read, stored or restored, or were found bad; each was named.</summary>
    Incomplete = 3,

    /// <summary>No server could be reached, or the cluster cannot answer now.</summary>
    Unreachable = 4,

    /// <summary>The cluster answers, and is not healthy.</summary>
    Degraded = 5,

    /// <summary>There is no such file or version.</summary>
    NotFound = 6,

    /// <summary>Stopped by the person; the same command goes on where it stopped.</summary>
    Interrupted = 130,
}

internal static class ExitCodes
{
    public const string Help = """
        Exit codes:
          0    all was done
          1    it could not be done
          2    the command line or the configuration makes no sense
          3    done, but some files could not be read, stored or restored, or were found
               bad by verify or drill; each is named
          4    no server can be reached, or the cluster cannot answer now
          5    the cluster answers and is not healthy (cluster status)
          6    there is no such file or version
          130  stopped by Ctrl-C; the same command goes on where it stopped
        """;

    public static ExitCode Of(Failure failure) => failure.Code switch
    {
        FailureCode.NodeUnreachable or FailureCode.ReplicaUnreachable or FailureCode.ManagerUnreachable or FailureCode.MetadataUnavailable
            or FailureCode.NotEnoughNodes or FailureCode.TimedOut => ExitCode.Unreachable,
        FailureCode.InvalidRequest or FailureCode.InvalidPath => ExitCode.Usage,
        FailureCode.NotFound => ExitCode.NotFound,
        _ => ExitCode.Failed,
    };
}
