using System.IO.Compression;
using Backup.ClusterTests;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Backup.ConsoleTests;

/// <summary>Bytes through the browser, there and back.</summary>
[Collection(ConsoleCollection.Name)]
public sealed class TransferTests(ConsoleFixture console)
{
    [SkippableFact]
    public async Task What_is_uploaded_comes_back_byte_for_byte_version_by_version()
    {
        await using var view = await console.OpenAsync("/console/files?folder=uploads");
        // Files chosen before Blazor listens, a moment after the page is seen, are not heard of.
        await Expect(view.Page.Locator("input[type=file]")).ToHaveJSPropertyAsync("_blazorInputFileNextFileId", 0);
        byte[][] contents = [Payload.Bytes(1, 5_000_000), Payload.Bytes(2, 1), Payload.Bytes(3, 123_456)];
        foreach (var content in contents)
        {
            await view.Page.Locator("input[type=file]").SetInputFilesAsync(new FilePayload { Name = "ü & 1.bin", MimeType = "application/octet-stream", Buffer = content });
            await Expect(view.Page.Locator("#uploaded")).ToContainTextAsync($"{Size(content.Length)}, on node-");
            await Expect(view.Page.Locator("#files")).ToContainTextAsync(Size(content.Length));
        }
        await view.PictureAsync("console-upload");
        Assert.Equal(contents[2], await DownloadAsync(view, view.Page.GetByRole(AriaRole.Link, new() { Name = "Download ü & 1.bin" })));

        await view.Page.GetByRole(AriaRole.Link, new() { Name = "ü & 1.bin", Exact = true }).ClickAsync();
        var downloads = view.Page.Locator("#versions a[download]");
        await Expect(downloads).ToHaveCountAsync(3);
        for (var i = 0; i < 3; i++)
            Assert.Equal(contents[2 - i], await DownloadAsync(view, downloads.Nth(i)));
        await view.AssertSoundAsync();
    }

    [SkippableFact]
    public async Task A_file_that_changes_while_it_is_uploaded_is_named_and_the_page_goes_on()
    {
        await using var view = await console.OpenAsync("/console/files?folder=changing");
        await Expect(view.Page.Locator("input[type=file]")).ToHaveJSPropertyAsync("_blazorInputFileNextFileId", 0);
        var path = Path.Combine(Path.GetTempPath(), $"backup-changing-{Guid.NewGuid():N}.bin");
        await using (var file = File.Create(path))
        {
            // So large that it is on its way for a while.
            file.SetLength(400_000_000);
            await view.Page.Locator("input[type=file]").SetInputFilesAsync(path);
            await Expect(view.Page.GetByRole(AriaRole.Status).Filter(new() { HasTextRegex = new("^[1-9].* of ") })).ToBeVisibleAsync();
            file.SetLength(1);
        }
        await Expect(view.Page.Locator("#uploaded")).ToContainTextAsync("cannot be read: the browser does not read it any more.");

        File.Delete(path);

        await view.Page.Locator("input[type=file]").SetInputFilesAsync(new FilePayload { Name = "another.bin", MimeType = "application/octet-stream", Buffer = [1] });
        await Expect(view.Page.Locator("#uploaded")).ToContainTextAsync("changing/another.bin: version ");
        await view.AssertSoundAsync();
    }

    [SkippableFact]
    public async Task A_folder_comes_as_a_zip_with_every_file_in_it_and_as_it_was_before()
    {
        await using var view = await console.OpenAsync("/console/files?folder=photos/2025");
        var zip = new ZipArchive(new MemoryStream(await DownloadAsync(view, view.Page.GetByRole(AriaRole.Link, new() { Name = "Restore as zip" }))));
        Assert.Equal(Enumerable.Range(0, 10).Select(i => $"file-{i * 4:d2}.bin"), zip.Entries.Select(entry => entry.FullName).Order());
        foreach (var entry in zip.Entries)
        {
            var number = int.Parse(entry.Name[5..7]);
            using var content = new MemoryStream();
            await entry.Open().CopyToAsync(content);
            Assert.Equal(Payload.Bytes(number, 1_000 + (number * 7_000)), content.ToArray());
        }

        // A moment long ago has nothing; the address says so, and so does the page.
        await view.GoAsync("/console/files?at=1000");
        await Expect(view.Page.GetByText("Nothing is stored here.")).ToBeVisibleAsync();
    }

    [SkippableFact]
    public async Task Files_are_read_while_a_node_that_holds_them_is_down_and_the_page_sees_it_die_and_return()
    {
        await using var view = await console.OpenAsync();
        var row = view.Page.Locator("#nodes tr", new() { HasText = "node-2" });
        await Expect(row).ToContainTextAsync("Alive");
        await console.Cluster.KillAsync("node-2");
        try
        {
            await Expect(row).ToContainTextAsync("Dead");
            await Expect(view.Page.Locator("a.alarms")).ToContainTextAsync("alarm");
            await Expect(view.Page.GetByRole(AriaRole.Status).First).ToContainTextAsync("node-2");
            await view.PictureAsync("console-node-dead");
            await view.AssertSoundAsync();
            await view.GoAsync("/console/files");
            var zip = new ZipArchive(new MemoryStream(await DownloadAsync(view, view.Page.GetByRole(AriaRole.Link, new() { Name = "Zip of photos" }))));
            Assert.Equal(20, zip.Entries.Count);
        }
        finally
        {
            await console.Cluster.StartAgainAsync("node-2");
        }
        await view.GoAsync("/console");
        await Expect(row).ToContainTextAsync("Alive");
    }

    private static async Task<byte[]> DownloadAsync(ConsoleView view, ILocator link)
    {
        var download = await view.Page.RunAndWaitForDownloadAsync(() => link.ClickAsync());
        Assert.Null(await download.FailureAsync());
        return await File.ReadAllBytesAsync(await download.PathAsync());
    }

    private static string Size(int bytes) => bytes switch { 1 => "1 B", 123_456 => "121 KiB", _ => "4.8 MiB" };
}
