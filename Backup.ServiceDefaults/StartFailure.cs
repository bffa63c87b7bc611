using System.Net.Sockets;
using Backup.Protocol;
using Microsoft.Extensions.Options;

namespace Backup.ServiceDefaults;

/// <summary>
/// Why a server does not start: a wrong setting, a port or a directory in use. Whoever started it needs the one line, not where in
/// the code it was noticed.
/// </summary>
public static class StartFailure
{
    /// <summary>The exit code.</summary>
    public const int ExitCode = 2;

    /// <summary>Whether this is such a reason, and not a bug.</summary>
    public static bool Is(Exception e) => e is FailureException or OptionsValidationException or IOException or InvalidDataException or SocketException
        or UnauthorizedAccessException or ArgumentException or FormatException or InvalidOperationException { InnerException: FormatException };

    /// <param name="who">As a sentence begins: "The node".</param>
    public static int Tell(string who, Exception e)
    {
        Console.Error.WriteLine($"{who} cannot start: {(e is FailureException f ? $"{f.Failure.Message} {f.Failure.Advice}" : e.Message)}");
        return ExitCode;
    }
}
