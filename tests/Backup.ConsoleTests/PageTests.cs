using static Microsoft.Playwright.Assertions;

namespace Backup.ConsoleTests;

/// <summary>Every page, wide and narrow: it comes, it shows what is there, and it is fit for everybody's use.</summary>
[Collection(ConsoleCollection.Name)]
public sealed class PageTests(ConsoleFixture console)
{
    /// <summary>Pages, a selector of what proves that they have their content, and the picture they give, if any.</summary>
    public static TheoryData<string, string, string> Pages => new()
    {
        { "/console", "#nodes tbody tr >> nth=3", "console-cluster" },
        { "/console/activity", "h1", "" },
        { "/console/files?folder=letters", "#files >> text=report.pdf", "console-files" },
        { "/console/files?find=file-1", "#files >> text=music/jazz/file-11.bin", "" },
        { "/console/file?path=letters/report.pdf", "#copies tbody tr >> nth=1", "console-file" },
        { "/console/snapshots", "#snapshots >> text=before-the-move", "" },
        { "/console/operate", "#nodes tbody tr >> nth=3", "" },
        { "/console/drills", "#drills tbody tr >> nth=1", "console-drills" },
        { "/console/alarms", "#no-alarms, #alarms", "" },
        { "/console/sign-in?ask=true", "form", "" },
        { "/console/no-such-page", "text=There is no such page", "" },
    };

    [SkippableTheory, MemberData(nameof(Pages))]
    public async Task A_page_shows_what_is_there(string path, string proof, string picture)
    {
        await using var view = await console.OpenAsync(path);
        await Expect(view.Page.Locator(proof).First).ToBeVisibleAsync();
        await view.PictureAsync(picture);
        await view.AssertSoundAsync();
    }

    [SkippableTheory, MemberData(nameof(Pages))]
    public async Task A_page_is_readable_in_the_dark(string path, string proof, string picture)
    {
        await using var view = await console.OpenAsync(path, dark: true);
        await Expect(view.Page.Locator(proof).First).ToBeVisibleAsync();
        // The background of the day, which a page has until its script knows what the person's system prefers.
        await Expect(view.Page.Locator("body")).Not.ToHaveCSSAsync("background-color", "rgb(247, 248, 250)");
        await view.PictureAsync(picture == "console-cluster" ? "console-cluster-dark" : "");
        await view.AssertSoundAsync();
    }

    [SkippableTheory, MemberData(nameof(Pages))]
    public async Task A_page_fits_a_phone(string path, string proof, string picture)
    {
        await using var view = await console.OpenAsync(path, width: 390);
        await Expect(view.Page.Locator(proof).First).ToBeVisibleAsync();
        await view.PictureAsync(picture.Length > 0 ? picture + "-phone" : "");
        await view.AssertSoundAsync();
    }
}
