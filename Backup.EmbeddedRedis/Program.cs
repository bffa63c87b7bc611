using System.Runtime.InteropServices;
using Backup.EmbeddedRedis;
using Microsoft.Extensions.Logging;

if (!EmbeddedRedisOptions.TryParse(args, out var options, out var problem))
{
    Console.Error.WriteLine(problem);
    return 2;
}

using var stop = new ManualResetEventSlim();
using var onTerm = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => { signal.Cancel = true; stop.Set(); });
using var onInterrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => { signal.Cancel = true; stop.Set(); });
try
{
    using var loggers = LoggerFactory.Create(logging => logging.AddSimpleConsole(console => console.SingleLine = true).SetMinimumLevel(LogLevel.Warning));
    using var server = new SerialGarnet(options, loggers);
    server.Start();
    Console.WriteLine($"Redis protocol on 127.0.0.1:{options.Port}, data in {options.DataDirectory}");
    stop.Wait();
}
catch (Exception failure) when (failure is Garnet.common.GarnetException or IOException or UnauthorizedAccessException or System.Net.Sockets.SocketException)
{
    Console.Error.WriteLine($"The embedded Redis could not start on port {options.Port} with {options.DataDirectory}: {failure.Message}");
    return 1;
}

return 0;
