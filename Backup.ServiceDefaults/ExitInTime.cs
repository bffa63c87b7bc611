using System.Diagnostics;
using Microsoft.Extensions.Hosting;

namespace Backup.ServiceDefaults;

/// <summary>
/// Ends the process when its host does not. The host waits <see cref="Defaults.ShutdownTimeMax"/> for work
/// to end and then disposes what is left, and nothing bounds that. A stuck process would keep its port and its data
/// directory, so it is ended as a crash would end it; what was acknowledged is on disk already.
/// </summary>
internal sealed class ExitInTime(IHostApplicationLifetime lifetime) : IHostedService
{
    /// <summary>The hosting kills after ten seconds; this is a little earlier, so that it need not.</summary>
    private static readonly TimeSpan PatienceMax = TimeSpan.FromSeconds(8);

    public Task StartAsync(CancellationToken cancellationToken)
    {
        lifetime.ApplicationStopping.Register(() => new Thread(EndLater) { IsBackground = true, Name = "exit in time" }.Start());
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static void EndLater()
    {
        Thread.Sleep(PatienceMax);
        Console.Error.WriteLine($"Did not stop within {PatienceMax.TotalSeconds:0} s; ending now.");
        Process.GetCurrentProcess().Kill();
    }
}
