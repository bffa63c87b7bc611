using System.Text;
using Backup.Client;
using Backup.Protocol;

namespace Backup.Tests.Client;

public sealed class RestoreFolderTests : IDisposable
{
    private static readonly long Mtime = UnixTime.Nanoseconds(new DateTimeOffset(2021, 5, 6, 7, 8, 9, TimeSpan.Zero)) + 123_456_700;

    private readonly TempFolder folder = new();
    private readonly TempFolder outside = new();
    private readonly Dictionary<string, Failure?> outcomes = [];
    private long version;

    public void Dispose()
    {
        folder.Dispose();
        outside.Dispose();
    }

    [Fact]
    public void Brings_back_content_bits_and_times()
    {
        Restore(to => Give(to, "a/b/file", "hello", mode: 0x1A0));
        Assert.Equal("hello", File.ReadAllText(folder.At("a/b/file")));
        Assert.Equal(0x1A0, folder.Mode("a/b/file"));
        Assert.Equal(new DateTime(2021, 5, 6, 7, 8, 9).AddTicks(1_234_567), File.GetLastWriteTimeUtc(folder.At("a/b/file")));
        // Private while it is being filled, ordinary afterwards.
        Assert.Equal(0x1ED, folder.Mode("a/b"));
        Assert.Equal(["file"], Names("a/b"));
    }

    [Theory]
    [InlineData(1901, 12, 14)]
    [InlineData(1969, 12, 31)]
    [InlineData(2262, 4, 11)]
    public void Brings_back_times_far_from_now(int year, int month, int day)
    {
        var time = new DateTimeOffset(year, month, day, 1, 2, 3, TimeSpan.Zero);
        Restore(to => Give(to, "file", "x", mtimeNs: UnixTime.Nanoseconds(time)));
        Assert.Equal(time.UtcDateTime, File.GetLastWriteTimeUtc(folder.At("file")));
    }

    [Fact]
    public void A_time_beyond_what_can_be_told_does_not_withhold_the_file()
    {
        Restore(to => Give(to, "file", "x", mtimeNs: UnixTime.Nanoseconds(253_402_300_799, 0)));
        Assert.Equal("x", File.ReadAllText(folder.At("file")));
    }

    [Fact]
    public void Leaves_what_exists_unless_told_to_replace_it()
    {
        folder.File("file", "mine");
        Restore(to => Give(to, "file", "theirs"));
        Assert.Equal(FailureCode.AlreadyExists, outcomes["file"]!.Code);
        Assert.Equal("mine", File.ReadAllText(folder.At("file")));
        Restore(to => Give(to, "file", "theirs"), force: true);
        Assert.Equal("theirs", File.ReadAllText(folder.At("file")));
        Assert.Equal(["file"], Names(""));
    }

    [Fact]
    public void Leaves_what_came_there_while_it_was_fetched()
    {
        Restore(to => Give(to, "file", "theirs", beforeComplete: () => folder.File("file", "mine")));
        Assert.Equal(FailureCode.AlreadyExists, outcomes["file"]!.Code);
        Assert.Equal("mine", File.ReadAllText(folder.At("file")));
        Assert.Equal(["file"], Names(""));
    }

    [Fact]
    public void A_folder_in_the_way_is_never_replaced()
    {
        folder.File("name/inside", "mine");
        Restore(to => Give(to, "name", "theirs"), force: true);
        Assert.Equal(FailureCode.AlreadyExists, outcomes["name"]!.Code);
        Assert.Equal("mine", File.ReadAllText(folder.At("name/inside")));
    }

    [Fact]
    public void A_symlink_in_the_folder_leads_nowhere()
    {
        folder.Link("dir", outside.Path);
        folder.Link("file", outside.File("target", "untouched"));
        Restore(to =>
        {
            Give(to, "dir/planted", "theirs");
            Give(to, "file", "theirs");
        }, force: true);
        Assert.Equal(FailureCode.LocalFailed, outcomes["dir/planted"]!.Code);
        Assert.Equal(["target"], Directory.GetFileSystemEntries(outside.Path).Select(Path.GetFileName));
        // The link was replaced by the file, not written through.
        Assert.Null(outcomes["file"]);
        Assert.Equal("untouched", File.ReadAllText(outside.At("target")));
        Assert.Null(new FileInfo(folder.At("file")).LinkTarget);
    }

    [Fact]
    public void A_symlink_restored_a_moment_ago_leads_nowhere()
    {
        Restore(to =>
        {
            Give(to, "link", "", VersionKind.Symlink, target: outside.Path);
            Give(to, "link/planted", "theirs");
        });
        Assert.Null(outcomes["link"]);
        Assert.NotNull(outcomes["link/planted"]);
        Assert.Empty(Directory.GetFileSystemEntries(outside.Path));
    }

    [Fact]
    public void A_parent_swapped_for_a_symlink_under_way_leads_nowhere()
    {
        Restore(to => Give(to, "dir/file", "theirs", beforeComplete: () =>
        {
            Directory.Move(folder.At("dir"), folder.At("moved"));
            folder.Link("dir", outside.Path);
        }));
        Assert.Empty(Directory.GetFileSystemEntries(outside.Path));
    }

    [Fact]
    public void Brings_links_back_with_target_and_time_and_never_follows_them()
    {
        Restore(to => Give(to, "a/link", "", VersionKind.Symlink, target: "../nowhere"));
        var link = new FileInfo(folder.At("a/link"));
        Assert.Equal("../nowhere", link.LinkTarget);
        Assert.Equal(2021, link.LastWriteTimeUtc.Year);
    }

    [Fact]
    public void Brings_folders_back_with_bits_and_times_after_what_is_in_them()
    {
        Restore(to =>
        {
            Give(to, "closed", "", VersionKind.Folder, mode: 0x140);
            Give(to, "closed/file", "x");
        });
        Assert.Null(outcomes["closed/file"]);
        Assert.Equal(0x140, folder.Mode("closed"));
        Assert.Equal(2021, Directory.GetLastWriteTimeUtc(folder.At("closed")).Year);
    }

    /// <summary>The cluster gives versions in whatever order suits its nodes.</summary>
    [Fact]
    public void Folders_get_their_times_last_whichever_comes_first()
    {
        var other = Mtime + 86_400_000_000_000;
        Restore(to =>
        {
            Give(to, "a/b/file", "x");
            Give(to, "a/b", "", VersionKind.Folder, mode: 0x1ED, mtimeNs: other);
            Give(to, "a", "", VersionKind.Folder, mode: 0x1ED);
            Give(to, "a/b/late", "y");
            Give(to, "a/late", "y");
        });
        Assert.Equal(2, Names("a/b").Count());
        Assert.Equal(new DateTime(2021, 5, 6, 7, 8, 9).AddTicks(1_234_567), Directory.GetLastWriteTimeUtc(folder.At("a")));
        Assert.Equal(new DateTime(2021, 5, 7, 7, 8, 9).AddTicks(1_234_567), Directory.GetLastWriteTimeUtc(folder.At("a/b")));
    }

    [Fact]
    public void A_folder_that_was_there_keeps_its_bits()
    {
        folder.Folder("mine");
        folder.Mode("mine", 0x1F8);
        Restore(to => Give(to, "mine", "", VersionKind.Folder, mode: 0x1C0));
        Assert.Equal(0x1F8, folder.Mode("mine"));
    }

    [Fact]
    public void Drops_setuid_and_setgid()
    {
        Restore(to => Give(to, "su", "x", mode: 0xDED));
        Assert.Equal(0x1ED, folder.Mode("su"));
    }

    [Fact]
    public void What_failed_or_never_ended_leaves_nothing_behind()
    {
        Restore(to =>
        {
            var (failing, head) = Version("failed", "x", VersionKind.File, 0x1A4, Mtime, null);
            to.Begin(failing, head)!.Write("half"u8);
            to.Failed(failing, Failure.NotFound("it"));
            var (endless, other) = Version("endless", "x", VersionKind.File, 0x1A4, Mtime, null);
            to.Begin(endless, other)!.Write("half"u8);
        });
        Assert.Empty(Names(""));
        Assert.Equal(FailureCode.NotFound, outcomes["failed"]!.Code);
    }

    [Fact]
    public void Large_content_arrives_whole()
    {
        var text = string.Concat(Enumerable.Repeat("0123456789abcdef", 40_000));
        Restore(to => Give(to, "large", text));
        Assert.Equal(text, File.ReadAllText(folder.At("large")));
    }

    [Fact]
    public void What_a_restore_that_was_killed_has_left_goes_and_what_another_is_writing_stays()
    {
        var (left, other) = (Leftovers.NewName(), ".my-own.restoring");
        Directory.CreateDirectory(folder.At("a"));
        File.WriteAllText(folder.At("a/" + other), "mine");
        Thread.Sleep(2);
        Restore(to =>
        {
            File.WriteAllText(folder.At("a/" + left), "half");
            // Begun while the first is at work: it cannot tell whose that is.
            Restore(second => Give(second, "a/second", "2"));
            Assert.True(File.Exists(folder.At("a/" + left)));
            Give(to, "a/first", "1");
        });
        Assert.Equal([other, "first", "second"], Names("a"));
    }

    [Fact]
    public void Is_not_restored_into_the_root_of_the_file_system() =>
        Assert.Equal(FailureCode.InvalidRequest, Assert.Throws<FailureException>(() => new RestoreFolder("/", true, false, _ => { }, (_, _) => { })).Failure.Code);

    [Fact]
    public void A_file_where_the_folder_should_be_is_a_failure()
    {
        folder.File("taken");
        Assert.Equal(FailureCode.LocalFailed, Assert.Throws<FailureException>(
            () => new RestoreFolder(folder.At("taken"), true, false, _ => { }, (_, _) => { })).Failure.Code);
    }

    private void Restore(Action<RestoreFolder> give, bool force = false)
    {
        using var to = new RestoreFolder(folder.Path, force, keepSetuid: false, v => outcomes[v.Path.Value] = null, (v, failure) => outcomes[v.Path.Value] = failure);
        give(to);
        to.Finish();
    }

    /// <summary>As the restorer does it: a target that refuses is told of its own failure.</summary>
    private void Give(RestoreFolder to, string path, string content, VersionKind kind = VersionKind.File, int mode = 0x1A4, long? mtimeNs = null, string? target = null, Action? beforeComplete = null)
    {
        var (file, head) = Version(path, content, kind, mode, mtimeNs ?? Mtime, target);
        try
        {
            using (var stream = to.Begin(file, head))
                stream?.Write(Encoding.UTF8.GetBytes(content));
            beforeComplete?.Invoke();
            to.Complete(file, head);
        }
        catch (FailureException e)
        {
            to.Failed(file, e.Failure);
        }
    }

    private (FileVersion, ManifestHead) Version(string path, string content, VersionKind kind, int mode, long mtimeNs, string? target)
    {
        version++;
        var head = new ManifestHead
        {
            Path = RootedPath.Parse(path),
            Version = version,
            Kind = kind,
            TimeMs = 1,
            SizeBytes = content.Length,
            Digest = default,
            MtimeNs = mtimeNs,
            Mode = mode,
            LinkTarget = target,
            Nodes = [],
            Epoch = 1,
        };
        return (new FileVersion(head.Path, version, kind, 1, content.Length, default, mtimeNs, mode, 1, [], 0), head);
    }

    private IEnumerable<string> Names(string path) => Directory.GetFileSystemEntries(folder.At(path)).Select(entry => Path.GetFileName(entry)!).Order();
}
