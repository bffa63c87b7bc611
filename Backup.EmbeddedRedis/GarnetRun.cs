using System.Net.Sockets;
using Garnet.common;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Backup.EmbeddedRedis;

/// <summary>Runs Garnet for as long as the host runs.</summary>
internal sealed partial class GarnetRun(EmbeddedRedisOptions options, ILoggerFactory loggers) : IHostedService
{
    private SerialGarnet? server;

    /// <summary>Whether this process is on its way out.</summary>
    public static bool Stopping { get; private set; }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            FullDisk.Wait(options.DataDirectory, loggers.CreateLogger(nameof(FullDisk)));
            server = new SerialGarnet(options, loggers);
            server.Start();
        }
        catch (Exception failure) when (failure is GarnetException or IOException or UnauthorizedAccessException or SocketException)
        {
            throw new CannotStartException($"The embedded Redis cannot start on port {options.Port} with {options.DataDirectory}: {failure.Message}");
        }

        Serving(loggers.CreateLogger<GarnetRun>(), options.Port, options.DataDirectory);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        Stopping = true;
        server?.Dispose();
        return Task.CompletedTask;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Redis protocol on 127.0.0.1:{Port}, data in {Directory}")]
    private static partial void Serving(ILogger logger, int port, string directory);
}

/// <summary>Something about the machine or the settings is in the way; the message says it in one line.</summary>
internal sealed class CannotStartException(string message) : Exception(message);
