using Backup.Protocol;
using Backup.Storage.Packs;
using Backup.Storage.Salvage;
using Backup.Tests.PackWriter;
using static Backup.Tests.Packs.StoreFolder;

namespace Backup.Tests.Packs;

/// <summary>Writing everything out of one directory, whole or damaged, with nothing but its packs.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class SalvageTests : IDisposable
{
    private readonly StoreFolder folder = new();
    private readonly string to = Path.Combine(Path.GetTempPath(), "backup-salvage-" + Guid.NewGuid().ToString("N"));
    private readonly StringWriter output = new();
    private readonly StringWriter error = new();

    public void Dispose()
    {
        folder.Dispose();
        if (Directory.Exists(to))
            Directory.Delete(to, recursive: true);
    }

    [Fact]
    public async Task Every_version_comes_out_byte_for_byte_with_modes_times_and_symlinks()
    {
        FormatTests.CopyGolden(folder.Path);
        System.IO.File.Delete(Path.Combine(folder.Path, "node.json"));
        Assert.Equal(SalvageCommand.AllWhole, await SalvageAsync());
        Assert.Equal("", error.ToString());

        Assert.Equal(Golden.Noise, Read("newest/folder/noise.bin"));
        Assert.Equal(Golden.Noise, Read("versions/v1/folder/noise.bin"));
        Assert.Equal(Golden.Text, Read("versions/v2/text.txt"));
        Assert.Equal([.. Golden.Text, .. Golden.Noise, .. Golden.Text], Read("newest/text.txt"));
        Assert.Equal("folder/noise.bin", new FileInfo(At("newest/link")).LinkTarget);
        Assert.Equal(Golden.Noise, Read("versions/v6/gone"));
        Assert.False(System.IO.File.Exists(At("newest/gone")));

        var time = DateTime.UnixEpoch.AddTicks(1_600_000_000_123_456_789 / 100);
        Assert.Equal(time, System.IO.File.GetLastWriteTimeUtc(At("newest/folder/noise.bin")));
        Assert.Equal(time, new FileInfo(At("newest/link")).LastWriteTimeUtc);
        Assert.Equal(time, Directory.GetLastWriteTimeUtc(At("newest/folder")));
        Assert.Equal((UnixFileMode)0b110_100_000, System.IO.File.GetUnixFileMode(At("newest/folder/noise.bin")));
        Assert.Equal((UnixFileMode)0b111_101_000, System.IO.File.GetUnixFileMode(At("newest/folder")));
        Assert.Empty(Directory.GetFiles(to));
    }

    [Fact]
    public async Task What_is_damaged_is_named_and_the_rest_comes_out()
    {
        await using (var store = await folder.OpenAsync())
        {
            await StoreAsync(store, Chunk(1, 1000), Chunk(2, 1000));
            await StoreAsync(store, RecordOf(FileOf("whole", 1, Content(1, 1000))), RecordOf(FileOf("half", 2, Content(1, 1000), Content(2, 1000))),
                RecordOf(FileOf("lacking", 3, Content(3, 1000))), RecordOf(FileOf("half", 4, Content(1, 1000))));
        }
        Flip(folder.Pack(1), 128 + 1112 + 112 + 500);
        Assert.Equal(SalvageCommand.SomethingDamaged, await SalvageAsync());
        Assert.Equal(Content(1, 1000), Read("newest/whole"));
        Assert.Equal(Content(1, 1000), Read("newest/half"));
        Assert.False(System.IO.File.Exists(At("versions/v2/half")));
        Assert.Contains("'half' version 2", error.ToString());
        Assert.Contains("'lacking' version 3", error.ToString());
        Assert.Contains($"damaged: {folder.Pack(1)} at byte {128 + 1112}", error.ToString());
        Assert.Contains("2 versions written, 0 deletions, 2 versions damaged or incomplete, 0 not under 'newest', 1 damaged places", output.ToString());
    }

    [Fact]
    public async Task A_manifest_that_lies_about_its_content_is_not_written()
    {
        var honest = FileOf("lie", 1, Content(1, 100), Content(2, 100));
        await using (var store = await folder.OpenAsync())
            await StoreAsync(store, Chunk(1, 100), Chunk(2, 100), RecordOf(honest with { Refs = [honest.Refs[1], honest.Refs[0]] }));
        Assert.Equal(SalvageCommand.SomethingDamaged, await SalvageAsync());
        Assert.False(System.IO.File.Exists(At("versions/v1/lie")));
    }

    [Fact]
    public async Task Nothing_is_written_outside()
    {
        var outside = Directory.CreateTempSubdirectory("backup-outside-");
        var symlink = FileOf("door", 1) with { };
        symlink = symlink with { Head = symlink.Head with { Kind = VersionKind.Symlink, LinkTarget = outside.FullName } };
        await using (var store = await folder.OpenAsync())
        {
            await StoreAsync(store, Chunk(1, 100), RecordOf(symlink), RecordOf(FileOf("door/inside", 2, Content(1, 100))),
                RecordOf(FileOf("fine", 3, Content(1, 100))));
            // Not one that the store would take: its path climbs. Written into the pack by hand, as a broken disk or person might.
        }
        var climbing = FileOf("xx/climbing", 4, Content(1, 100)).Encode();
        climbing.AsSpan().Replace((byte)'x', (byte)'.');
        using (var record = Record.Of(RecordKind.Manifest, Alice, climbing))
        using (var pack = System.IO.File.OpenHandle(folder.Pack(1), FileMode.Open, FileAccess.ReadWrite))
            RandomAccess.Write(pack, record.Bytes.Span, RandomAccess.GetLength(pack));

        Assert.Equal(SalvageCommand.SomethingDamaged, await SalvageAsync());
        Assert.Empty(outside.GetFileSystemInfos());
        Assert.Equal(outside.FullName, new FileInfo(At("newest/door")).LinkTarget);
        Assert.Equal(Content(1, 100), Read("versions/v2/door/inside"));
        Assert.Contains("'door/inside' version 2", error.ToString());
        Assert.Equal(Content(1, 100), Read("newest/fine"));
        Assert.Equal([Alice.ToString()], Directory.GetFileSystemEntries(to).Select(Path.GetFileName));
        Assert.DoesNotContain(Directory.GetFiles(to, "climbing", SearchOption.AllDirectories), _ => true);
        Assert.Contains("damaged", error.ToString());
        outside.Delete(recursive: true);
    }

    /// <summary>A directory of a client that encrypts: with its key all comes out as it was, without it is said what is missing, and the wrapped key comes out.</summary>
    [Fact]
    public async Task What_is_encrypted_comes_out_with_the_key_and_is_told_of_without()
    {
        var masterKey = Secret.New();
        var cipher = new ClientCipher(Alice, masterKey);
        using var codec = new RecordCodec(cipher);
        var content = Content(1, 5000);
        var rented = Record.Rent(content.Length);
        content.CopyTo(rented.AsMemory(RecordHeader.LengthBytes));
        var chunk = codec.Compress(Record.Name(rented, cipher, content.Length));
        using var digest = new ContentDigest();
        digest.Add(chunk.Header.Id);
        var file = FileOf("folder/letter", 1, content);
        file = new Manifest(cipher.Seal(file.Head with { Digest = digest.Finish(), Seal = null }), [new ChunkRef(chunk.Header.Id, content.Length)]);
        var link = FileOf("folder/link", 2);
        link = link with { Head = cipher.Seal(link.Head with { Kind = VersionKind.Symlink, LinkTarget = "letter" }) };
        await using (var store = await folder.OpenAsync())
        {
            await StoreAsync(store, chunk, Chunk(2, 100));
            await StoreAsync(store, RecordOf(file), RecordOf(link), RecordOf(FileOf(EncryptedClients.KeyPath.Value, 3, Content(2, 100))), RecordOf(FileOf("planted", 4, Content(2, 100))));
        }

        Assert.Equal(SalvageCommand.SomethingDamaged, await SalvageAsync());
        Assert.Contains($"2 versions of client {Alice} are encrypted at the client", error.ToString());
        Assert.Contains("key unlock --from", error.ToString());
        Assert.Equal(Content(2, 100), Read($"newest/{EncryptedClients.KeyPath}"));
        Assert.DoesNotContain("letter", error.ToString());

        Directory.Delete(to, recursive: true);
        var keys = Path.Combine(folder.Path, "clients.json");
        System.IO.File.WriteAllText(keys, $$"""{"clients":[],"keys":[{"client":"{{Alice}}","key":"{{masterKey.Reveal()}}"}]}""");
        Assert.Equal(SalvageCommand.SomethingDamaged, await SalvageCommand.RunAsync([folder.Path, "--to", to, "--keys", keys], output, error, default));
        Assert.Equal(content, Read("newest/folder/letter"));
        Assert.Equal(content, Read("versions/v1/folder/letter"));
        Assert.Equal("letter", new FileInfo(At("newest/folder/link")).LinkTarget);
        // Whoever stored it in the clear had not the key.
        Assert.False(System.IO.File.Exists(At("newest/planted")));
        Assert.Contains("'planted' version 4", error.ToString());

        System.IO.File.WriteAllText(keys, "{}");
        Assert.Equal(SalvageCommand.NotStarted, await SalvageCommand.RunAsync([folder.Path, "--to", to + "-2", "--keys", keys], output, error, default));
        Assert.Contains("holds no key", error.ToString());
    }

    [Fact]
    public async Task Long_paths_and_odd_names_come_out()
    {
        string[] paths = [string.Join('/', Enumerable.Repeat(new string('d', 200), 20)), "a\nb", "-rf", "ünï\u202Ecode", ".versions/v1", "COM1", new string('x', 255)];
        await using (var store = await folder.OpenAsync())
        {
            await StoreAsync(store, Chunk(1, 100));
            await StoreAsync(store, [.. paths.Select((path, i) => RecordOf(FileOf(path, i + 1, Content(1, 100))))]);
        }
        Assert.Equal(SalvageCommand.AllWhole, await SalvageAsync());
        Assert.Contains($"{paths.Length} versions written", output.ToString());
        foreach (var path in paths[1..])
            Assert.Equal(Content(1, 100), Read("newest/" + path));
        Assert.True(ChildProcess.Run("rm", "-r", to)); // .NET cannot walk paths longer than the system's limit; rm can.
    }

    [Fact]
    public async Task Wrong_arguments_and_full_folders_are_refused()
    {
        Assert.Equal(SalvageCommand.NotStarted, await SalvageCommand.RunAsync(["x"], output, error, default));
        Assert.Equal(SalvageCommand.NotStarted, await SalvageCommand.RunAsync([to, "--to", to], output, error, default));
        await using (await folder.OpenAsync())
        {
        }
        Directory.CreateDirectory(to);
        await System.IO.File.WriteAllTextAsync(Path.Combine(to, "mine"), "x");
        Assert.Equal(SalvageCommand.NotStarted, await SalvageAsync());
        Assert.Contains("not an empty folder", error.ToString());
    }

    private Task<int> SalvageAsync() => SalvageCommand.RunAsync([folder.Path, "--to", to], output, error, default);

    private string At(string path) => Path.Combine(to, Alice.ToString(), path);

    private byte[] Read(string path) => System.IO.File.ReadAllBytes(At(path));
}
