using System.Text;
using Backup.Client;
using Backup.Protocol;

namespace Backup.Tests.Client;

public sealed class RootDirectoryTests : IDisposable
{
    private readonly TempFolder folder = new();
    private readonly TempFolder outside = new();
    private readonly RootDirectory root;
    private int changes;

    public RootDirectoryTests() => root = RootDirectory.Open(folder.Path);

    public void Dispose()
    {
        root.Dispose();
        folder.Dispose();
        outside.Dispose();
    }

    [Fact]
    public void Reads_a_file_as_it_is()
    {
        folder.File("a/b/c", "hello");
        Assert.Equal("hello", Read("a/b/c"));
        Assert.Equal(0, changes);
    }

    [Fact]
    public void A_parent_swapped_for_a_link_leads_nowhere()
    {
        folder.File("dir/file", "mine");
        outside.File("file", "secret");
        var stat = root.Stat(RootedPath.Parse("dir/file"))!.Value;
        Directory.Delete(folder.At("dir"), recursive: true);
        folder.Link("dir", outside.Path);
        Assert.Throws<IOException>(() => root.OpenFile(RootedPath.Parse("dir/file"), stat, () => changes++));
        Assert.Null(root.Stat(RootedPath.Parse("dir/file")));
        Assert.Throws<FailureException>(() => root.Read("dir"));
        Assert.Throws<FailureException>(() => root.ReadLink(RootedPath.Parse("dir/file")));
    }

    [Fact]
    public void A_file_swapped_for_a_link_or_a_pipe_is_not_read()
    {
        folder.File("file", "mine");
        var stat = root.Stat(RootedPath.Parse("file"))!.Value;
        File.Delete(folder.At("file"));
        folder.Link("file", outside.File("secret", "secret"));
        Assert.Throws<IOException>(() => root.OpenFile(RootedPath.Parse("file"), stat, () => changes++));
        File.Delete(folder.At("file"));
        folder.Shell("mkfifo file");
        Assert.Contains("FIFO", Assert.Throws<IOException>(() => root.OpenFile(RootedPath.Parse("file"), stat, () => changes++)).Message);
    }

    [Fact]
    public void Links_inside_the_root_are_not_followed_either()
    {
        folder.File("real/file", "x");
        folder.Link("alias", "real");
        Assert.Null(root.Stat(RootedPath.Parse("alias/file")));
        Assert.Equal(EntryKind.Symlink, root.Stat(RootedPath.Parse("alias"))!.Value.Kind);
    }

    [Fact]
    public void A_file_that_vanished_says_so()
    {
        folder.File("file");
        var stat = root.Stat(RootedPath.Parse("file"))!.Value;
        File.Delete(folder.At("file"));
        Assert.Contains("vanished", Assert.Throws<IOException>(() => root.OpenFile(RootedPath.Parse("file"), stat, () => changes++)).Message);
        Assert.Null(root.Stat(RootedPath.Parse("file")));
        Assert.Null(root.Stat(RootedPath.Parse("file/below")));
    }

    [Theory]
    [InlineData("grows", "0123456789", "01234567890123")]
    [InlineData("shrinks", "0123456789", "0123")]
    [InlineData("is rewritten", "0123456789", "abcdefghij")]
    public void A_file_that_changes_while_it_is_read_is_read_and_reported(string _, string before, string after)
    {
        var path = folder.File("file", before);
        var stat = root.Stat(RootedPath.Parse("file"))!.Value;
        using var stream = root.OpenFile(RootedPath.Parse("file"), stat, () => changes++);
        var buffer = new byte[100];
        var read = stream.Read(buffer, 0, 3);
        File.WriteAllText(path, after);
        while (stream.Read(buffer, 0, buffer.Length) is > 0 and var more)
            read += more;
        // Never more than there was at first: what was appended later would have no end.
        Assert.Equal(Math.Min(before.Length, after.Length), read);
        Assert.True(changes > 0);
    }

    [Fact]
    public void A_file_that_is_not_the_one_that_was_scanned_is_reported()
    {
        folder.File("file", "one");
        var stat = root.Stat(RootedPath.Parse("file"))!.Value;
        folder.File("other", "two");
        File.Move(folder.At("other"), folder.At("file"), overwrite: true);
        using var stream = root.OpenFile(RootedPath.Parse("file"), stat, () => changes++);
        Assert.Equal(1, changes);
    }

    [Fact]
    public void Times_before_1970_and_beyond_2262_stay_what_they_are_or_the_nearest_there_is()
    {
        folder.File("old", mtime: new DateTime(1901, 12, 14, 1, 2, 3, DateTimeKind.Utc));
        Assert.Equal(-2147468277L * 1_000_000_000, root.Stat(RootedPath.Parse("old"))!.Value.MtimeNs);
        Assert.Equal(long.MaxValue, UnixTime.Nanoseconds(253_402_300_799, 5));
        Assert.Equal((-1, 999_999_999), UnixTime.Split(-1));
    }

    [Fact]
    public void Nothing_that_needs_rights_is_read_without_them()
    {
        folder.File("closed", "secret");
        folder.Mode("closed", 0);
        folder.Mode("", 0x1ED);
        var stat = root.Stat(RootedPath.Parse("closed"))!.Value;
        using (new OtherUser())
            Assert.Contains("denied", Assert.Throws<IOException>(() => root.OpenFile(RootedPath.Parse("closed"), stat, () => changes++)).Message);
    }

    private string Read(string path)
    {
        var rooted = RootedPath.Parse(path);
        using var stream = root.OpenFile(rooted, root.Stat(rooted)!.Value, () => changes++);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
