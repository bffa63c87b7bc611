using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using Backup.Protocol;

namespace Backup.EmbeddedRedis;

/// <summary>What the process is told: where to listen and where its data lies.</summary>
/// <param name="Port">TCP port on the loopback address.</param>
/// <param name="DataDirectory">Absolute directory of the log and the checkpoints; made when missing.</param>
/// <param name="Password">Who does not give it is told nothing. From the environment, since everybody on the machine reads arguments.</param>
/// <param name="Certificate">What it shows to those who connect; null where it speaks no TLS.</param>
internal sealed record EmbeddedRedisOptions(int Port, string DataDirectory, string Password, CertificateFile<X509Certificate2>? Certificate)
{
    private const string Usage = "Usage: Backup.EmbeddedRedis --port PORT --data DIRECTORY";

    /// <summary>Reads <c>--port</c> and <c>--data</c>; both are needed, for a default would hide a wrong topology.</summary>
    public static bool TryParse(
        string[] args, string? password, CertificateFile<X509Certificate2>? certificate, [NotNullWhen(true)] out EmbeddedRedisOptions? options, [NotNullWhen(false)] out string? problem)
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

        if (password is not { Length: > 0 })
        {
            problem = "Set Redis__Password in the environment: whoever reaches the embedded Redis without one would have all of the cluster.";
            return false;
        }

        options = new EmbeddedRedisOptions(port, Path.GetFullPath(data), password, certificate);
        problem = null;
        return true;
    }
}
