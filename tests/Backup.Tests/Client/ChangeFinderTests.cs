using Backup.Client;
using Backup.Protocol;
using CsCheck;

namespace Backup.Tests.Client;

public sealed class ChangeFinderTests
{
    private const long Now = 1_000_000_000_000;
    private const long Old = 5;

    private static readonly FileStat Stat = new(EntryKind.File, 10, Old, 6, 7, 0x1A4, "file");

    [Fact]
    public void Nothing_changed_when_size_times_and_inode_are_the_same() => Assert.Equal(ChangeKind.Unchanged, Judge(Stat, Seen(Stat)));

    [Theory]
    [InlineData("size", true)]
    [InlineData("mtime", true)]
    [InlineData("mode", true)]
    [InlineData("kind", true)]
    // Content may be the same: a hard link was made, the owner changed, the file was copied back. Reading tells.
    [InlineData("ctime", false)]
    [InlineData("inode", false)]
    public void Each_difference_is_noticed(string what, bool beyondDoubt)
    {
        var now = what switch
        {
            "size" => Stat with { SizeBytes = 11 },
            "mtime" => Stat with { MtimeNs = 4 },
            "mode" => Stat with { Mode = 0x1ED },
            "kind" => Stat with { Kind = EntryKind.Symlink },
            "ctime" => Stat with { CtimeNs = 9 },
            _ => Stat with { Inode = 9 },
        };
        Assert.Equal(beyondDoubt ? ChangeKind.Changed : ChangeKind.Doubtful, Judge(now, Seen(Stat)));
    }

    [Fact]
    public void A_file_that_was_touched_just_before_it_was_read_is_read_again() => Assert.Equal(ChangeKind.Doubtful, Judge(Stat, Seen(Stat) with { Racy = true }));

    [Fact]
    public void With_rehash_nothing_that_has_content_is_trusted()
    {
        Assert.Equal(ChangeKind.Doubtful, Judge(Stat, Seen(Stat), distrust: true));
        var link = Stat with { Kind = EntryKind.Symlink, SizeBytes = 0 };
        Assert.Equal(ChangeKind.Unchanged, Judge(link, Seen(link), distrust: true));
    }

    [Fact]
    public void A_link_changes_by_being_replaced()
    {
        var link = Stat with { Kind = EntryKind.Symlink, SizeBytes = 0, MtimeNs = Now };
        Assert.Equal(ChangeKind.Unchanged, Judge(link, Seen(link) with { Racy = true }));
        Assert.Equal(ChangeKind.Changed, Judge(link with { Inode = 99 }, Seen(link)));
    }

    [Fact]
    public void Without_a_catalogue_size_and_mtime_of_what_is_listed_decide()
    {
        Assert.Equal(ChangeKind.Unchanged, Judge(Stat, null, Listed(Stat)));
        Assert.Equal(ChangeKind.Changed, Judge(Stat with { MtimeNs = 6 }, null, Listed(Stat)));
        var racy = Stat with { MtimeNs = Now };
        Assert.Equal(ChangeKind.Doubtful, Judge(racy, null, Listed(racy)));
    }

    [Fact]
    public void A_version_that_came_from_elsewhere_outdates_the_catalogue()
    {
        var elsewhere = Listed(Stat with { SizeBytes = 99 }) with { Version = 2 };
        Assert.Equal(ChangeKind.Changed, Judge(Stat, Seen(Stat), elsewhere));
        Assert.Equal(ChangeKind.Unchanged, Judge(Stat, Seen(Stat), Listed(Stat) with { Version = 2 }));
    }

    [Fact]
    public void What_the_catalogue_has_and_the_cluster_has_not_is_sent_again()
    {
        var change = Assert.Single(new ChangeFinder(Now, false).Find([File("a", Stat)], [Seen(Stat)], []));
        Assert.Equal(ChangeKind.Changed, change.Kind);
        Assert.Null(change.Stored);
    }

    [Fact]
    public void A_folder_changes_by_its_bits_and_its_mtime()
    {
        var folder = new FileStat(EntryKind.Folder, 0, Old, 6, 7, 0x1C0, "folder");
        Assert.Equal(ChangeKind.Unchanged, Judge(folder with { CtimeNs = 78, Inode = 79 }, Seen(folder)));
        Assert.Equal(ChangeKind.Changed, Judge(folder with { MtimeNs = 77 }, Seen(folder)));
        Assert.Equal(ChangeKind.Changed, Judge(folder with { Mode = 0x1ED }, Seen(folder)));
        // There is nothing to read: it is never doubtful.
        Assert.Equal(ChangeKind.Unchanged, Judge(folder, Seen(folder) with { Racy = true }, distrust: true));
    }

    /// <summary>Whatever stands on either side, each path comes once, in order, and says what set arithmetic says.</summary>
    [Fact]
    public void Any_two_sets_of_paths_are_told_apart()
    {
        var paths = Gen.String[Gen.Char["ab/-\uE000\uD83D"], 1, 4].Where(text => RootedPath.TryParse(text, null, out _)).HashSet[0, 12];
        Gen.Select(paths, paths, Gen.Bool).Sample((here, there, listed) =>
        {
            var found = here.Order(PathOrder.Instance).Select(path => File(path, Stat));
            var stored = there.Order(PathOrder.Instance).Select(path => Seen(Stat) with { Path = RootedPath.Parse(path) }).ToList();
            var changes = new ChangeFinder(Now, false).Find(found, stored, listed ? stored : null).ToList();
            var order = changes.Select(c => (c.Found?.Path ?? c.Stored!.Path).Value).ToList();
            Assert.Equal(here.Union(there).Order(PathOrder.Instance), order);
            Assert.All(changes, c => Assert.Equal(
                !here.Contains(c.Stored?.Path.Value ?? c.Found!.Value.Path.Value) ? ChangeKind.Gone
                : there.Contains(c.Found!.Value.Path.Value) ? ChangeKind.Unchanged : ChangeKind.Changed, c.Kind));
        });
    }

    private static ChangeKind Judge(FileStat now, CatalogueEntry? seen, CatalogueEntry? listed = null, bool distrust = false) =>
        Assert.Single(new ChangeFinder(Now, distrust).Find([File("a", now)], seen is null ? [] : [seen], listed is null ? null : [listed])).Kind;

    private static ScannedFile File(string path, FileStat stat) => new(RootedPath.Parse(path), stat);

    private static CatalogueEntry Seen(FileStat stat) => CatalogueEntry.Of(File("a", stat)) with { Version = 1 };

    private static CatalogueEntry Listed(FileStat stat) => Seen(stat) with { CtimeNs = 0, Inode = 0 };
}
