using Backup.EmbeddedRedis;
using Backup.Protocol;
using Backup.ServiceDefaults;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

var builder = Host.CreateApplicationBuilder(args);
EmbeddedRedisOptions? options;
try
{
    if (!EmbeddedRedisOptions.TryParse(args, builder.Configuration["Redis:Password"], TlsSetup.Certificate(builder.Configuration), out options, out var problem))
        return Refuse(problem, 2);
    builder.AddServiceDefaults();
}
catch (FailureException e)
{
    return Refuse($"{e.Failure.Message} {e.Failure.Advice}", 2);
}

// Garnet tells its life under a dozen names; its warnings are enough.
builder.Logging.SetMinimumLevel(LogLevel.Warning).AddFilter("Backup", LogLevel.Information);
// It calls its own timers' ending a failure, and the host would repeat what is said below in one line.
builder.Logging.AddFilter("StoreWrapper", level => level >= LogLevel.Warning && !GarnetRun.Stopping);
builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
builder.Services.AddSingleton(options);
builder.Services.AddHostedService<GarnetRun>();
try
{
    await builder.Build().RunAsync();
    return 0;
}
catch (CannotStartException cannot)
{
    return Refuse(cannot.Message, 1);
}

static int Refuse(string why, int exitCode)
{
    Console.Error.WriteLine(why);
    return exitCode;
}
