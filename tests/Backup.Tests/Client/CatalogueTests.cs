using Backup.Client;
using Backup.Protocol;

namespace Backup.Tests.Client;

public sealed class CatalogueTests : IDisposable
{
    private static readonly ClientId Client = ClientId.New();
    private readonly TempFolder folder = new();

    private string FilePath => folder.At("catalogue");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void What_is_written_in_any_order_comes_back_in_the_order_of_paths()
    {
        string[] paths = ["z", "a", "\uE000", "😀", "a/b", "a-b", "m"];
        Write(7, [.. paths.Select(Entry)]);
        Assert.Equal(new CatalogueFile.Header(Client, 7, paths.Length), CatalogueFile.Check(FilePath, Client));
        Assert.Equal(paths.Order(PathOrder.Instance), CatalogueFile.Entries(FilePath).Select(e => e.Path.Value));
        Assert.Equal(Entry("m"), CatalogueFile.Entries(FilePath).Single(e => e.Path.Value == "m"));
    }

    [Fact]
    public void More_than_it_holds_goes_through_runs_and_the_last_of_a_path_wins()
    {
        using (var writer = new CatalogueWriter(FilePath, Client, entriesHeld: 10))
        {
            for (var i = 0; i < 1000; i++)
                writer.Add(Entry($"{i * 7919 % 500:000}") with { Version = i });
            writer.Finish(1);
        }
        var entries = CatalogueFile.Entries(FilePath).ToList();
        Assert.Equal(500, entries.Count);
        Assert.All(entries, e => Assert.True(e.Version >= 500));
        Assert.Equal([FilePath], Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void One_that_is_damaged_at_any_byte_or_cut_anywhere_counts_as_absent()
    {
        Write(3, Entry("a"), Entry("b/c"));
        var whole = File.ReadAllBytes(FilePath);
        for (var i = 0; i < whole.Length; i++)
        {
            var damaged = (byte[])whole.Clone();
            damaged[i] ^= 0x10;
            File.WriteAllBytes(FilePath, damaged);
            Assert.Null(CatalogueFile.Check(FilePath, Client));
            File.WriteAllBytes(FilePath, whole[..i]);
            Assert.Null(CatalogueFile.Check(FilePath, Client));
        }
    }

    [Fact]
    public void Another_clients_counts_as_absent_and_so_does_none()
    {
        Write(3, Entry("a"));
        Assert.Null(CatalogueFile.Check(FilePath, ClientId.New()));
        Assert.Null(CatalogueFile.Check(folder.At("none"), Client));
    }

    [Fact]
    public void A_backup_that_ends_early_leaves_the_old_one()
    {
        Write(3, Entry("a"));
        using (var writer = new CatalogueWriter(FilePath, Client, entriesHeld: 1))
        {
            writer.Add(Entry("b"));
            writer.Add(Entry("c"));
        }
        Assert.Equal(3, CatalogueFile.Check(FilePath, Client)!.Value.Sequence);
        Assert.Equal([FilePath], Directory.GetFiles(folder.Path));
    }

    private void Write(long sequence, params CatalogueEntry[] entries)
    {
        using var writer = new CatalogueWriter(FilePath, Client);
        foreach (var entry in entries)
            writer.Add(entry);
        writer.Finish(sequence);
    }

    private static CatalogueEntry Entry(string path) =>
        new(RootedPath.Parse(path), VersionKind.File, 12, -5, 99, ulong.MaxValue, 0x1A4, 42, ChunkId.Of("x"u8), Racy: true);
}
