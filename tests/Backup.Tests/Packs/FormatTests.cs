using System.Buffers.Binary;
using System.IO.Hashing;
using Backup.Protocol;
using Backup.Storage.Packs;
using Backup.Tests.PackWriter;
using static Backup.Tests.Packs.StoreFolder;

namespace Backup.Tests.Packs;

/// <summary>Whose directory it is, of which format; and that the first format is read for ever.</summary>
public sealed class FormatTests : IDisposable
{
    private readonly StoreFolder folder = new();

    public void Dispose() => folder.Dispose();

    private string Identity => Path.Combine(folder.Path, "node.json");

    [Fact]
    public async Task The_golden_directory_of_format_version_1_opens()
    {
        CopyGolden(folder.Path);
        await using var store = await folder.OpenAsync();
        Assert.Equal(Guid.Parse(GoldenIncarnation()), store.Incarnation);
        Assert.Empty(store.Damage);
        // It does not say how far the cluster had come: that is no reason to take it for an older copy of itself.
        Assert.Null(store.LastEpoch);
        store.EnterEpoch(7, 0);
        Assert.Equal(7, store.LastEpoch);
        using var codec = new RecordCodec();
        foreach (var content in (byte[][])[Golden.Noise, Golden.Text])
        {
            using var chunk = await store.ReadAsync(Golden.Client, RecordKind.Chunk, ChunkId.Of(content), default);
            Assert.Equal(content, codec.Open(chunk!, "golden").ToArray());
        }
        foreach (var version in Golden.Versions())
        {
            using var manifest = await store.ReadManifestAsync(Golden.Client, version.Head.Version, default);
            var read = Manifest.Decode(codec.Open(manifest!, "golden").Span, "golden");
            Assert.Equal(version.Encode(), read.Encode());
        }
        // It is not only read: new records go beside the old ones.
        await StoreAsync(store, Chunk(1, 100));
        await AssertHeldAsync(store, 1, 100);
    }

    [Fact]
    public async Task What_is_written_today_is_what_the_golden_directory_holds()
    {
        await Golden.WriteAsync(new PackStoreOptions { Directory = folder.Path, NodeId = Node, ReserveBytes = 0 }, options =>
        {
            Directory.CreateDirectory(folder.Path);
            System.IO.File.Copy(Path.Combine(GoldenPath(), "node.json"), Identity);
            return folder.OpenAsync(options.PackBytesMax);
        });
        foreach (var pack in Directory.GetFiles(Path.Combine(GoldenPath(), "packs")))
            Assert.Equal(await System.IO.File.ReadAllBytesAsync(pack), await System.IO.File.ReadAllBytesAsync(Path.Combine(folder.Path, "packs", Path.GetFileName(pack))));
    }

    [Fact]
    public async Task Another_nodes_directory_is_refused()
    {
        await using (await folder.OpenAsync())
        {
        }
        var failure = await FailsAsync(() => folder.OpenAsync(node: "node-2"));
        Assert.Equal(FailureCode.LocalFailed, failure.Code);
        Assert.Contains("belongs to node node-1, not to node-2", failure.Message);
        // Without node.json the packs tell.
        await using (var store = await folder.OpenAsync())
            await StoreAsync(store, Chunk(1, 10));
        System.IO.File.Delete(Identity);
        Assert.Equal(FailureCode.LocalFailed, (await FailsAsync(() => folder.OpenAsync(node: "node-2"))).Code);
    }

    [Fact]
    public async Task A_newer_format_is_refused_and_nothing_is_changed()
    {
        await using (var store = await folder.OpenAsync())
            await StoreAsync(store, Chunk(1, 10));
        var identity = await System.IO.File.ReadAllTextAsync(Identity);
        await System.IO.File.WriteAllTextAsync(Identity, identity.Replace("\"formatVersion\": 2", "\"formatVersion\": 3"));
        Assert.Equal(FailureCode.VersionUnsupported, (await FailsAsync(() => folder.OpenAsync())).Code);
        await System.IO.File.WriteAllTextAsync(Identity, identity);

        var pack = await System.IO.File.ReadAllBytesAsync(folder.Pack(1));
        var newer = pack.ToArray();
        newer[4] = 2;
        BinaryPrimitives.WriteUInt64LittleEndian(newer.AsSpan(120), XxHash3.HashToUInt64(newer.AsSpan(0, 120)));
        await System.IO.File.WriteAllBytesAsync(folder.Pack(1), newer);
        Assert.Equal(FailureCode.VersionUnsupported, (await FailsAsync(() => folder.OpenAsync())).Code);
        Assert.Equal(newer, await System.IO.File.ReadAllBytesAsync(folder.Pack(1)));

        await System.IO.File.WriteAllBytesAsync(folder.Pack(1), pack);
        await using (var store = await folder.OpenAsync())
            await AssertHeldAsync(store, 1, 10);
    }

    [Fact]
    public async Task A_damaged_identity_is_recovered_from_the_packs()
    {
        Guid incarnation;
        await using (var store = await folder.OpenAsync())
        {
            incarnation = store.Incarnation;
            await StoreAsync(store, Chunk(1, 10));
        }
        var whole = await System.IO.File.ReadAllBytesAsync(Identity);
        for (var place = 0; place < whole.Length; place++)
        {
            Flip(Identity, place);
            try
            {
                await using var store = await folder.OpenAsync();
                Assert.Equal(incarnation, store.Incarnation);
                await AssertHeldAsync(store, 1, 10);
            }
            catch (FailureException e) when (e.Failure.Code == FailureCode.VersionUnsupported)
            {
                // The digit of the version itself: refused, and nothing changed.
            }
            await System.IO.File.WriteAllBytesAsync(Identity, whole);
        }
    }

    [Fact]
    public async Task A_damaged_identity_without_packs_is_refused()
    {
        await using (await folder.OpenAsync())
        {
        }
        await System.IO.File.WriteAllTextAsync(Identity, "{}");
        Assert.Equal(FailureCode.LocalFailed, (await FailsAsync(() => folder.OpenAsync())).Code);
    }

    [Fact]
    public async Task A_pack_of_another_incarnation_is_named_and_not_used()
    {
        using var other = new StoreFolder();
        await using (var store = await other.OpenAsync())
            await StoreAsync(store, Chunk(1, 10));
        await using (var store = await folder.OpenAsync())
            await StoreAsync(store, Chunk(2, 10));
        System.IO.File.Copy(other.Pack(1), folder.Pack(7));
        await using (var store = await folder.OpenAsync())
        {
            Assert.Equal((DamageKind.Foreign, 7), store.Damage.Select(damage => (damage.Kind, damage.Pack)).Single());
            Assert.Equal([0], store.Missing(Alice, [IdOf(1, 10)]));
            await AssertHeldAsync(store, 2, 10);
        }
    }

    [Fact]
    public async Task A_wiped_directory_has_another_incarnation()
    {
        Guid first;
        await using (var store = await folder.OpenAsync())
            first = store.Incarnation;
        Directory.Delete(folder.Path, recursive: true);
        await using (var store = await folder.OpenAsync())
            Assert.NotEqual(first, store.Incarnation);
    }

    internal static void CopyGolden(string to)
    {
        Directory.CreateDirectory(Path.Combine(to, "packs"));
        foreach (var file in Directory.GetFiles(GoldenPath(), "*", SearchOption.AllDirectories))
            System.IO.File.Copy(file, Path.Combine(to, Path.GetRelativePath(GoldenPath(), file)));
    }

    private static string GoldenIncarnation() =>
        System.Text.Json.JsonDocument.Parse(System.IO.File.ReadAllText(Path.Combine(GoldenPath(), "node.json"))).RootElement.GetProperty("incarnation").GetString()!;

    private static string GoldenPath()
    {
        var at = AppContext.BaseDirectory;
        while (!System.IO.File.Exists(Path.Combine(at, "Backup.sln")))
            at = Path.GetDirectoryName(at) ?? throw new InvalidOperationException("Backup.sln is not above the tests.");
        return Path.Combine(at, "tests/Backup.Tests/Packs/golden/v1");
    }
}
