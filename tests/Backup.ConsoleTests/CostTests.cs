using System.Diagnostics;
using Backup.ClusterTests;
using Xunit.Abstractions;
using static Microsoft.Playwright.Assertions;

namespace Backup.ConsoleTests;

/// <summary>What the console costs the manager. It prints figures; what it holds is memory alone.</summary>
[Collection(ConsoleCollection.Name)]
public sealed class CostTests(ConsoleFixture console, ITestOutputHelper output)
{
    private const int Browsers = 10;

    private static readonly TimeSpan WatchTime = TimeSpan.FromSeconds(30);

    [SkippableFact]
    public async Task Ten_browsers_watch_the_cluster()
    {
        Skip.If(Environment.GetEnvironmentVariable("BACKUP_LONG_TESTS") is null, "Runs on demand: set BACKUP_LONG_TESTS=1.");
        var views = new List<ConsoleView>();
        await SayAsync("no browser");
        for (var i = 0; i < Browsers; i++)
        {
            views.Add(await console.OpenAsync());
            await Expect(views[^1].Page.Locator("#nodes tbody tr").First).ToBeVisibleAsync();
            if (i == 0)
                await SayAsync("one browser");
        }
        await SayAsync("ten browsers");
        foreach (var view in views)
            await view.DisposeAsync();
        Assert.True((await console.Cluster.PeakResidentBytesAsync())["manager"] < 400L << 20);
    }

    private async Task SayAsync(string what)
    {
        using var manager = Process.GetProcessById(await console.Cluster.ProcessIdAsync("manager"));
        await Task.Delay(TimeSpan.FromSeconds(5), TimeProvider.System);
        manager.Refresh();
        var (cpu, since) = (manager.TotalProcessorTime, Stopwatch.StartNew());
        await Task.Delay(WatchTime, TimeProvider.System);
        manager.Refresh();
        output.WriteLine($"{what}: {manager.WorkingSet64 >> 20} MiB resident, {(manager.TotalProcessorTime - cpu) / since.Elapsed:P2} of a core");
    }
}
