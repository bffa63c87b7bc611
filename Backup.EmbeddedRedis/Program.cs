using Backup.EmbeddedRedis;
using Backup.ServiceDefaults;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

if (!EmbeddedRedisOptions.TryParse(args, out var options, out var problem))
{
    Console.Error.WriteLine(problem);
    return 2;
}

var builder = Host.CreateApplicationBuilder(args);
builder.AddServiceDefaults();
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
    Console.Error.WriteLine(cannot.Message);
    return 1;
}
