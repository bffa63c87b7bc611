using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Backup.EmbeddedRedis;

/// <summary>What the process is told: where to listen and where its data lies.</summary>
/// <param name="Port">TCP port on the loopback address.</param>
/// <param name="DataDirectory">Absolute directory of the log and the checkpoints; made when missing.</param>
public sealed record EmbeddedRedisOptions(int Port, string DataDirectory)
{
    private const string Usage = "Usage: Backup.EmbeddedRedis --port PORT --data DIRECTORY";

    /// <summary>Reads <c>--port</c> and <c>--data</c>; both are needed, for a default would hide a wrong topology.</summary>
    public static bool TryParse(
        string[] args, [NotNullWhen(true)] out EmbeddedRedisOptions? options, [NotNullWhen(false)] out string? problem)
    {
        options = null;
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i + 1 < args.Length; i += 2)
            values[args[i]] = args[i + 1];

        if (!values.TryGetValue("--data", out var data) || !values.TryGetValue("--port", out var text))
        {
            problem = Usage;
            return false;
        }

        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port is < 1 or > 65535)
        {
            problem = $"--port {text} is not a TCP port. {Usage}";
            return false;
        }

        options = new EmbeddedRedisOptions(port, Path.GetFullPath(data));
        problem = null;
        return true;
    }
}
