using Backup.Client;
using Backup.Protocol;

namespace Backup.Tests.Client;

/// <summary>Two listings side by side: what is in one, in the other, in both and different.</summary>
public sealed class TreeDiffTests
{
    [Fact]
    public async Task Each_path_is_judged_once_in_order()
    {
        FileVersion[] before = [File("a", 1, 'x'), File("b", 2, 'x'), File("c", 3, 'x'), File("d", 4, 'x'), Folder("e", 5)];
        FileVersion[] after = [File("b", 2, 'x'), File("c", 6, 'y'), File("d", 7, 'x') with { Mode = 1 }, Folder("e", 8) with { MtimeNs = 9 }, File("f", 9, 'z')];
        var changes = await DiffAsync(before, after);
        Assert.Equal(["Deleted a", "Changed c", "Attributes d", "Added f"], changes.Select(change => $"{change.Kind} {change.Any.Path}"));
    }

    [Fact]
    public async Task From_nothing_and_to_nothing()
    {
        Assert.Equal([TreeChangeKind.Added], (await DiffAsync([], [File("a", 1, 'x')])).Select(change => change.Kind));
        Assert.Equal([TreeChangeKind.Deleted], (await DiffAsync([File("a", 1, 'x')], [])).Select(change => change.Kind));
        Assert.Empty(await DiffAsync([], []));
    }

    [Fact]
    public async Task A_file_where_a_folder_was_is_a_change()
    {
        var change = Assert.Single(await DiffAsync([Folder("a", 1)], [File("a", 2, 'x')]));
        Assert.Equal(TreeChangeKind.Changed, change.Kind);
        Assert.Equal("changed", DiffShape.Of(change).Change);
    }

    [Fact]
    public async Task The_same_content_stored_again_with_the_same_attributes_is_no_change() =>
        Assert.Empty(await DiffAsync([File("a", 1, 'x')], [File("a", 2, 'x')]));

    private static async Task<List<TreeChange>> DiffAsync(FileVersion[] before, FileVersion[] after)
    {
        var changes = new List<TreeChange>();
        await foreach (var change in TreeDiff.CompareAsync(before.ToAsyncEnumerable(), after.ToAsyncEnumerable(), default))
            changes.Add(change);
        return changes;
    }

    private static FileVersion File(string path, long version, char content) =>
        new(RootedPath.Parse(path), version, VersionKind.File, version, 1, ChunkId.Of([(byte)content]), 0, 0, 1, [], 0);

    private static FileVersion Folder(string path, long version) => new(RootedPath.Parse(path), version, VersionKind.Folder, version, 0, default, version, 0, 1, [], 0);
}
