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
        // Each backup counts by itself: nobody waits for hours to pass between them.
        Cluster = await RunningCluster.StartAsync(null, 4, "--Manager:RunsTogether=00:00:00");
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
    /// <param name="dark">What the person's system prefers.</param>
    public async Task<ConsoleView> OpenAsync(string path = "/console", int width = 1280, bool dark = false)
    {
        Skip.IfNot(File.Exists(Chromium), "No chromium: apt-get install chromium");
        var context = await Browser.NewContextAsync(new BrowserNewContextOptions
        {
            BaseURL = Manager.GetLeftPart(UriPartial.Authority),
            ViewportSize = new ViewportSize { Width = width, Height = width < 600 ? 844 : 900 },
            AcceptDownloads = true,
            ReducedMotion = ReducedMotion.Reduce,
            ColorScheme = dark ? ColorScheme.Dark : ColorScheme.Light,
        });
        context.SetDefaultTimeout((float)RunningCluster.PatienceMax.TotalMilliseconds);
        return await ConsoleView.OpenAsync(context, path);
    }

    /// <summary>Tells of a run as the client does.</summary>
    public static Task<ClientStanding> TellAsync(ClusterConnection cluster, RunKind kind, RunCounts counts) => cluster.AskAsync(n => n.ReportRunAsync(cluster.Client, new RunReport(
        ActivityTraceId.CreateRandom().ToString(), kind, counts.Failed == 0 ? RunOutcome.Done : RunOutcome.Incomplete, 1_000, 4_500, Whole: true, counts,
        ActivityTraceId.CreateRandom().ToString()), default), default);

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
        await TellAsync(Guest, RunKind.Backup, new RunCounts(42, 0, 0, 0, 0, 5_000_000, 5_100_000));
        await TellAsync(Guest, RunKind.Drill, new RunCounts(0, 0, 0, 41, 1, 4_900_000, 0));
        await TellAsync(Guest, RunKind.Drill, new RunCounts(0, 0, 0, 42, 0, 5_000_000, 0));
        await Guest.AskAsync(n => n.SnapshotAsync(ClientId.Guest, new SnapshotRequest("before-the-move"), default), default);
    }
}

[CollectionDefinition(Name)]
public sealed class ConsoleCollection : ICollectionFixture<ConsoleFixture>
{
    public const string Name = "console";
}
