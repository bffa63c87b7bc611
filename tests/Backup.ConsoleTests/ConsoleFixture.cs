using System.Diagnostics;
using System.Globalization;
using Backup.ClusterTests;
using Backup.Protocol;
using Microsoft.Playwright;

namespace Backup.ConsoleTests;

/// <summary>One cluster with some files of the guest's in it, and one browser, for all tests.</summary>
public sealed class ConsoleFixture : IAsyncLifetime
{
    /// <summary>Debian's own; Playwright's is not downloaded.</summary>
    private static readonly string Chromium = Environment.GetEnvironmentVariable("BACKUP_CHROMIUM") ?? "/usr/bin/chromium";

    private IPlaywright? playwright;

    public RunningCluster Cluster { get; private set; } = null!;

    public IBrowser Browser { get; private set; } = null!;

    public Uri Manager => Cluster.App.GetEndpoint("manager", "http");

    /// <summary>The guest, as whom the console lets in on loopback.</summary>
    public ClusterConnection Guest => Cluster.Connect(ClientId.Guest);

    public async Task InitializeAsync()
    {
        if (!File.Exists(Chromium))
            return;
        Cluster = await RunningCluster.StartAsync();
        await FillAsync();
        // As long as a busy machine may need; what is there is seen at once.
        Assertions.SetDefaultExpectTimeout((float)RunningCluster.PatienceMax.TotalMilliseconds);
        playwright = await Playwright.CreateAsync();
        Browser = await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = Chromium,
            Args = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
        });
    }

    public async Task DisposeAsync()
    {
        if (Browser is not null)
            await Browser.DisposeAsync();
        playwright?.Dispose();
        if (Cluster is not null)
            await Cluster.DisposeAsync();
    }

    /// <summary>A page in a browser profile of its own.</summary>
    /// <param name="width">Of the window; 390 is a phone.</param>
    public async Task<ConsoleView> OpenAsync(string path = "/console", int width = 1280)
    {
        Skip.IfNot(File.Exists(Chromium), "No chromium: apt-get install chromium");
        var context = await Browser.NewContextAsync(new BrowserNewContextOptions
        {
            BaseURL = Manager.GetLeftPart(UriPartial.Authority),
            ViewportSize = new ViewportSize { Width = width, Height = width < 600 ? 844 : 900 },
            AcceptDownloads = true,
            ReducedMotion = ReducedMotion.Reduce,
        });
        context.SetDefaultTimeout((float)RunningCluster.PatienceMax.TotalMilliseconds);
        return await ConsoleView.OpenAsync(context, path);
    }

    private async Task FillAsync()
    {
        // As the client does, so that receipts name a trace.
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == Telemetry.Name,
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
        };
        ActivitySource.AddActivityListener(listener);
        string[] folders = ["photos/2025", "photos/2026", "letters", "music/jazz"];
        await Guest.UploadAsync(Enumerable.Range(0, 40).Select(i =>
            Transfers.File(string.Create(CultureInfo.InvariantCulture, $"{folders[i % folders.Length]}/file-{i:d2}.bin"), i, 1_000 + (i * 7_000))));
        await Guest.UploadAsync(Transfers.File("letters/report.pdf", 100, 200_000));
        await Guest.UploadAsync(Transfers.File("letters/report.pdf", 101, 220_000));
        await Guest.UploadAsync(Transfers.File("letters/gone.txt", 102, 1_000));
        await Guest.UploadAsync(Transfers.Gone("letters/gone.txt"));
        await Guest.AskAsync(n => n.SnapshotAsync(ClientId.Guest, new SnapshotRequest("before-the-move"), default), default);
    }
}

[CollectionDefinition(Name)]
public sealed class ConsoleCollection : ICollectionFixture<ConsoleFixture>
{
    public const string Name = "console";
}
