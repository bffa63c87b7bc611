using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Deque.AxeCore.Commons;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Backup.ConsoleTests;

/// <summary>One browser window on the console, which remembers what it should not have seen.</summary>
public sealed class ConsoleView : IAsyncDisposable
{
    private static readonly string Axe = new BundledAxeScriptProvider().GetScript();

    /// <summary>What WCAG 2.2 asks at levels A and AA.</summary>
    private static readonly string[] Wcag22 = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

    private readonly IBrowserContext context;
    private readonly ConcurrentQueue<string> complaints = new();

    private ConsoleView(IBrowserContext context, IPage page) => (this.context, Page) = (context, page);

    public IPage Page { get; }

    public static async Task<ConsoleView> OpenAsync(IBrowserContext context, string path)
    {
        var page = await context.NewPageAsync();
        var view = new ConsoleView(context, page);
        page.Console += (_, message) =>
        {
            if (message.Type == "error")
                view.complaints.Enqueue($"console: {message.Text}");
        };
        page.PageError += (_, error) => view.complaints.Enqueue($"script: {error}");
        page.Request += (_, request) =>
        {
            var to = new Uri(request.Url);
            if (to.Scheme is "http" or "https" && to.Host is not ("localhost" or "127.0.0.1"))
                view.complaints.Enqueue($"asks elsewhere: {to}");
        };
        await view.GoAsync(path);
        return view;
    }

    public async Task GoAsync(string path)
    {
        await Page.GotoAsync(path);
        var heading = Page.Locator("h1").First;
        await heading.WaitForAsync();
        // It is given the focus a moment after it is seen, except where one signs in: what is typed before then may be lost.
        if (await heading.GetAttributeAsync("tabindex") is not null)
            await Expect(heading).ToBeFocusedAsync();
    }

    /// <summary>Nothing was loaded from elsewhere, no script failed, nothing is wider than the window, and axe finds no fault.</summary>
    public async Task AssertSoundAsync()
    {
        Assert.Empty(complaints);
        var excess = await Page.EvaluateAsync<int>("document.scrollingElement.scrollWidth - window.innerWidth");
        Assert.True(excess <= 0, $"The page is {excess} pixels wider than the window.");
        // One page without frames: the library's own runner brings the results of frames together in a page of its own, which takes five times as long.
        await Page.EvaluateAsync(Axe);
        var found = await Page.EvaluateAsync<string[]>("""
            async tags => (await axe.run({ runOnly: tags })).violations.map(v => `${v.id} (${v.impact}): ${v.help} ${v.nodes.map(node => node.html).join(' ')}`)
            """, Wcag22);
        Assert.True(found.Length == 0, string.Join('\n', found));
    }

    /// <summary>For the documentation, when it is asked for with BACKUP_PICTURES=write.</summary>
    public async Task PictureAsync(string name, [CallerFilePath] string here = "")
    {
        if (Environment.GetEnvironmentVariable("BACKUP_PICTURES") == "write" && name.Length > 0)
            await Page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "docs", "pictures", name + ".png"), FullPage = true });
    }

    public async ValueTask DisposeAsync() => await context.DisposeAsync();
}
