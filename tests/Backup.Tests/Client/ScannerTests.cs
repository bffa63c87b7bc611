using System.Net.Sockets;
using System.Text;
using Backup.Client;
using Backup.Protocol;

namespace Backup.Tests.Client;

public sealed class ScannerTests : IDisposable
{
    private readonly TempFolder folder = new();
    private readonly List<Failure> skipped = [];

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Comes_in_the_byte_order_of_whole_paths()
    {
        string[] names = ["a", "a-b/x", "a.txt", "b/c", "b-", "b.x/y", "b0", "é", "z", "\uE000", "😀", "ab/1/2", "ab!"];
        foreach (var name in names)
            folder.File(name);
        var found = Paths();
        string[] folders = ["a-b", "ab", "ab/1", "b", "b.x"];
        Assert.Equal(names.Concat(folders).Order(Comparer<string>.Create(ByBytes)), found);
        Assert.Equal(found.Order(PathOrder.Instance), found);
    }

    [Fact]
    public void An_empty_folder_stands_where_its_name_belongs_and_not_where_its_content_would()
    {
        folder.Folder("a");
        folder.File("a-b");
        folder.File("a/../a.c");
        folder.Folder("full/empty");
        Assert.Equal(["a", "a-b", "a.c", "full", "full/empty"], Paths());
        Assert.Equal(VersionKind.Folder, Scan()[0].Kind);
    }

    [Fact]
    public void Every_folder_is_kept_with_its_bits_although_it_is_not_empty()
    {
        folder.File("secret/key");
        folder.Mode("secret", 0x1C0);
        folder.File("open/page");
        folder.Mode("open", 0x1ED);
        Assert.Equal(["open", "open/page", "secret", "secret/key"], Paths());
        Assert.Equal(0x1C0, Scan()[2].Stat.Mode);
    }

    [Fact]
    public void Links_are_kept_as_links_and_never_followed()
    {
        using var outside = new TempFolder();
        outside.File("secret");
        folder.Link("out", outside.Path);
        folder.Link("dangling", "nowhere");
        folder.Link("loop/self", ".");
        folder.Link("loop/up", "../loop");
        folder.Link("ring1", "ring2");
        folder.Link("ring2", "ring1");
        var found = Scan();
        Assert.Equal(["dangling", "loop", "loop/self", "loop/up", "out", "ring1", "ring2"], found.Select(f => f.Path.Value));
        Assert.All(found, f => Assert.Equal(f.Path.Value == "loop" ? VersionKind.Folder : VersionKind.Symlink, f.Kind));
        using var root = RootDirectory.Open(folder.Path);
        Assert.Equal(outside.Path, root.ReadLink(RootedPath.Parse("out")));
        Assert.Empty(skipped);
    }

    [Fact]
    public void What_has_no_content_is_named_and_left_out()
    {
        folder.File("a");
        folder.Shell("mkfifo pipe");
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(folder.At("socket")));
        Assert.Equal(["a"], Paths());
        Assert.Equal(["pipe", "socket"], skipped.Select(f => f.Culprit).Order());
        Assert.Contains(skipped, f => f.Message.Contains("FIFO"));
        Assert.All(skipped, f => Assert.Equal(FailureCode.SourceUnreadable, f.Code));
    }

    [Fact]
    public void What_cannot_be_read_is_named_and_does_not_stop_the_rest()
    {
        folder.File("closed/file");
        folder.File("open/file");
        // Opened before, as nobody may not even enter this test's temporary folder.
        folder.Mode("", 0x1ED);
        folder.Mode("closed", 0);
        List<string> found;
        using (new OtherUser())
            found = Paths();
        Assert.Equal(["open", "open/file"], found);
        Assert.Equal("closed", Assert.Single(skipped).Culprit);
    }

    [Fact]
    public void Odd_names_come_through_unchanged()
    {
        string[] names = ["-rf", "new\nline", "\u001b[31mred", "caf\u00e9", "cafe\u0301", "a*?[b]", "CON", "trailing.", " space ", "x:stream", "\u202egpj.exe", new string('n', 255), "'\"\\$`"];
        foreach (var name in names)
            folder.File(name);
        Assert.Equal(names.Order(Comparer<string>.Create(ByBytes)), Paths());
        Assert.Empty(skipped);
    }

    [Fact]
    public void Names_that_cannot_be_kept_are_named_and_left_out()
    {
        folder.File("good");
        folder.Shell("touch \"$(printf 'bad\\377name')\" 'back\\..\\slash'");
        Assert.Equal(["good"], Paths());
        Assert.Equal(2, skipped.Count);
        Assert.Contains(skipped, f => f.Message.Contains("bad\\xffname"));
    }

    [Fact]
    public void A_tree_deeper_than_a_path_may_be_long_ends_with_a_report()
    {
        // Two trees of 3,000 bytes each, one moved to the end of the other.
        var half = string.Join('/', Enumerable.Range(0, 30).Select(i => $"d{i:000}".PadRight(100, 'x')));
        folder.File(half + "/file");
        using var other = new TempFolder();
        other.File(half + "/too deep");
        folder.Shell($"mv '{other.Path}/{half.Split('/')[0]}' '{half}/more'");
        // The deepest folder that can be kept is kept, as one with nothing in it.
        var found = Scan();
        Assert.Single(found, f => f.Kind == VersionKind.File);
        Assert.Equal(VersionKind.Folder, found[^1].Kind);
        Assert.Equal(FailureCode.InvalidPath, Assert.Single(skipped.DistinctBy(f => f.Code)).Code);
    }

    [Fact]
    public void Patterns_leave_out_files_and_whole_folders_and_may_bring_some_back()
    {
        foreach (var name in new[] { "a.tmp", "keep.tmp", "b.txt", "cache/x", "sub/a.tmp", "sub/cache/y", "only/here" })
            folder.File(name);
        folder.File(".backupignore", "# what nobody needs\n\ncache/\n/only\n");
        var rules = IgnoreRules.For(folder.Path, ["*.tmp"], ["keep.tmp"]);
        using var root = RootDirectory.Open(folder.Path);
        var found = new Scanner(root, rules, skipped.Add).Scan().Select(f => f.Path.Value);
        // `sub` holds nothing that is kept, and is kept by itself.
        Assert.Equal([".backupignore", "b.txt", "keep.tmp", "sub"], found);
    }

    [Fact]
    public void A_root_that_is_not_there_is_a_failure_and_not_an_empty_root()
    {
        var e = Assert.Throws<FailureException>(() => RootDirectory.Open(folder.At("nowhere")));
        Assert.Equal(FailureCode.SourceUnreadable, e.Failure.Code);
    }

    [Fact]
    public void The_portable_root_finds_the_same()
    {
        folder.File("a");
        folder.File("b/c");
        folder.Folder("d");
        folder.Link("e", "a");
        using var portable = new PortableRootDirectory(folder.Path);
        Assert.Equal(Scan().Select(f => (f.Path, f.Kind, f.Stat.SizeBytes)),
            new Scanner(portable, IgnoreRules.None, skipped.Add).Scan().Select(f => (f.Path, f.Kind, f.Stat.SizeBytes)));
    }

    private List<ScannedFile> Scan()
    {
        using var root = RootDirectory.Open(folder.Path);
        return [.. new Scanner(root, IgnoreRules.None, skipped.Add).Scan()];
    }

    private List<string> Paths() => [.. Scan().Select(f => f.Path.Value)];

    private static int ByBytes(string? left, string? right) => Encoding.UTF8.GetBytes(left!).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(right!));
}
