using System.Text;
using Backup.Manager;
using Backup.Protocol;
using static Backup.Tests.Manager.ManagersOnRedis;

namespace Backup.Tests.Manager;

/// <summary>Listing, looking up, and both as of a time.</summary>
public abstract class CatalogueTests(RedisFixture fixture)
{
    [SkippableFact]
    public async Task Thousands_of_names_are_paged_in_the_order_of_their_bytes()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        var random = new Random(7);
        // U+E000 to U+FFFC stand after the surrogates in UTF-16 and before them in bytes.
        string[] folders = ["a", "ab", "a.b", "\uE123", "🙂", "b"];
        string[] paths = [.. Enumerable.Range(0, 5_000).Select(i => $"{folders[random.Next(folders.Length)]}/{random.Next(1_000_000)}-{i}")];
        foreach (var batch in paths.Chunk(700))
            await cluster.StoreAsync(batch);
        string[] expected = [.. paths.OrderBy(path => Convert.ToHexString(Encoding.UTF8.GetBytes(path)), StringComparer.Ordinal)];

        Assert.Equal(expected, await ListAllAsync(cluster.First, cluster.Client, "", 333));
        // The other manager has never seen the leaves, or has seen fewer of them.
        Assert.Equal(expected, await ListAllAsync(cluster.Second, cluster.Client, "", 1000));
        Assert.Equal(expected.Where(path => path.StartsWith("a/", StringComparison.Ordinal)), await ListAllAsync(cluster.First, cluster.Client, "a/", 100));
        Assert.Equal(expected.Where(path => path.StartsWith("ab", StringComparison.Ordinal)), await ListAllAsync(cluster.First, cluster.Client, "ab", 100));
        Assert.Empty(await ListAllAsync(cluster.First, cluster.Client, "zzz", 100));
        Assert.Empty(await ListAllAsync(cluster.First, ClientId.New(), "", 100));
        Assert.True((await cluster.Get<Names>().LeavesAsync(cluster.Client, default)).Count > 5);
    }

    [SkippableFact]
    public async Task Two_managers_that_split_leaves_lose_no_name()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        await Parallel.ForAsync(0, 40, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, ct) =>
        {
            var manager = i % 2 == 0 ? cluster.First : cluster.Second;
            string[] paths = [.. Enumerable.Range(0, 100).Select(j => Name(j * 40 + i))];
            var placed = await manager.PlaceAsync(cluster.Client, new PlaceRequest($"op{i}", [.. paths.Select(path => new PlaceFile(Path(path), VersionKind.File, 1))]), ct);
            await CommitAsync(manager, cluster.Client, placed, paths);
        });
        Assert.Equal(Enumerable.Range(0, 4_000).Select(Name), await ListAllAsync(cluster.First, cluster.Client, "", 900));
        Assert.Equal(Enumerable.Range(0, 4_000).Select(Name), await ListAllAsync(cluster.Second, cluster.Client, "", 1000));
    }

    [SkippableFact]
    public async Task A_manager_that_knows_old_leaves_lists_and_adds_all_the_same()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        var stored = new List<string>();
        for (var round = 0; round < 6; round++)
        {
            string[] paths = [.. Enumerable.Range(0, 400).Select(i => Name(i * 10 + round))];
            var placed = await cluster.PlaceAsync($"op{round}", paths);
            // The second manager commits, and splits; the first one knows what it saw a round ago.
            await CommitAsync(round < 5 ? cluster.Second : cluster.First, cluster.Client, placed, paths);
            stored.AddRange(paths);
            Assert.Equal(stored.Order(StringComparer.Ordinal), await ListAllAsync(cluster.First, cluster.Client, "", 1000));
        }
    }

    [SkippableFact]
    public async Task Pages_are_full_though_files_were_deleted()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        string[] paths = [.. Enumerable.Range(0, 1000).Select(Name)];
        await cluster.StoreAsync(paths);
        await cluster.DeleteAsync([.. paths.Where((_, i) => i % 10 != 0)]);
        var page = await cluster.First.ListAsync(cluster.Client, new ListRequest("", null, 60), default);
        Assert.Equal(60, page.Files.Length);
        Assert.NotNull(page.Next);
        var rest = await cluster.First.ListAsync(cluster.Client, new ListRequest("", page.Next, 60), default);
        Assert.Equal(40, rest.Files.Length);
        Assert.Null(rest.Next);
        Assert.Equal(paths.Where((_, i) => i % 10 == 0), page.Files.Concat(rest.Files).Select(file => file.Path.Value));
    }

    [SkippableFact]
    public async Task What_thousands_of_deleted_files_stand_before_is_found_in_a_few_calls()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        foreach (var batch in Enumerable.Range(0, 3_000).Select(Name).Chunk(1_000))
        {
            await cluster.StoreAsync(batch);
            await cluster.DeleteAsync(batch);
        }
        await cluster.StoreAsync("z");

        Assert.InRange(await CallsAsync("", ["z"]), 1, 40);
        // Names lie in a dozen leaves. Where none that start so can lie is not looked.
        Assert.Equal(1, await CallsAsync("!", []));

        async Task<int> CallsAsync(string prefix, string[] expected)
        {
            using var spans = new HeardSpans();
            var page = await cluster.First.ListAsync(cluster.Client, new ListRequest(prefix, null, 1), default);
            Assert.Equal(expected, page.Files.Select(file => file.Path.Value));
            return spans.Ended.Count(span => span.OperationName.StartsWith("redis ", StringComparison.Ordinal));
        }
    }

    [SkippableFact]
    public async Task Of_one_level_each_folder_is_shown_by_its_first_file()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        string[] gone = [.. In("folder", 120), .. In("folder/gone", 250)];
        string[] stored = ["a", "folder", "folder-not", "folder0", "z", .. In("folder/deep/er", 5), .. In("folder/sub", 250), .. In("other", 1), .. Enumerable.Range(0, 12).SelectMany(i => In($"many/{i:d2}", 110))];
        foreach (var some in gone.Concat(stored).Concat(In("folder", 400)).Distinct().Chunk(1_000))
            await cluster.StoreAsync(some);
        await cluster.DeleteAsync(gone);

        foreach (var prefix in new[] { "", "folder/", "folder/sub/", "many/", "gone/" })
        {
            var expected = (await ListAllAsync(cluster.First, cluster.Client, prefix, 1_000)).DistinctBy(path => path.IndexOf('/', prefix.Length) is var slash and >= 0 ? path[..(slash + 1)] : path);
            foreach (var limit in new[] { 1, 2, 7, 1_000 })
                Assert.Equal(expected, await ListAllAsync(cluster.First, cluster.Client, prefix, limit, oneLevel: true));
        }
        using var spans = new HeardSpans();
        Assert.Equal(12, (await cluster.First.ListAsync(cluster.Client, new ListRequest("many/", null, 1_000, OneLevel: true), default)).Files.Length);
        // Two for each folder, and one or two at the end.
        Assert.InRange(spans.Ended.Count(span => span.OperationName.StartsWith("redis ", StringComparison.Ordinal)), 24, 28);

        static IEnumerable<string> In(string folder, int files) => Enumerable.Range(0, files).Select(i => $"{folder}/{i:d4}");
    }

    [SkippableFact]
    public async Task The_root_is_listed_as_it_was_at_any_time()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        var states = new List<(long TimeMs, Dictionary<string, long> Files)>();
        var files = new Dictionary<string, long>();
        var random = new Random(3);
        for (var step = 0; step < 40; step++)
        {
            var path = $"f{random.Next(8)}";
            if (files.ContainsKey(path) && random.Next(3) == 0)
            {
                await cluster.DeleteAsync(path);
                files.Remove(path);
            }
            else
            {
                files[path] = (await cluster.StoreAsync(path)).Receipts[0].Version;
            }
            states.Add((cluster.Time.NowMs, new(files)));
            cluster.Time.Advance(TimeSpan.FromMilliseconds(100));
            await cluster.RegisterManyAsync("n1", "n2");
        }
        RootedPath[] all = [.. Enumerable.Range(0, 8).Select(i => Path($"f{i}"))];
        foreach (var (timeMs, expected) in states)
        {
            var listed = await cluster.First.ListAsync(cluster.Client, new ListRequest("", null, 100, timeMs + 50), default);
            Assert.Equal(expected.OrderBy(f => f.Key).Select(f => (f.Key, f.Value)), listed.Files.Select(f => (f.Path.Value, f.Version)));
            var looked = await cluster.First.LookupAsync(cluster.Client, new LookupRequest(all, timeMs), default);
            Assert.Equal(all.Select(path => expected.TryGetValue(path.Value, out var version) ? version : (long?)null), looked.Files.Select(file => file?.Version));
        }
        Assert.Empty((await cluster.First.ListAsync(cluster.Client, new ListRequest("", null, 100, states[0].TimeMs - 1), default)).Files);
    }

    [SkippableFact]
    public async Task The_sequence_changes_with_each_commit_and_only_then()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        var seen = new HashSet<long>();
        for (var i = 0; i < 5; i++)
        {
            var sequence = (await cluster.First.ListAsync(cluster.Client, new ListRequest("", null, 10), default)).Sequence;
            Assert.True(seen.Add(sequence));
            var placed = await cluster.PlaceAsync($"op{i}", ["x"]);
            Assert.Equal(sequence, (await cluster.Second.ListAsync(cluster.Client, new ListRequest("", null, 10), default)).Sequence);
            await cluster.CommitAsync(placed, "x");
        }
    }

    [SkippableFact]
    public async Task Unknown_paths_have_no_versions()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await cluster.RegisterManyAsync("n1", "n2");
        Assert.Empty((await cluster.First.VersionsAsync(cluster.Client, new VersionsRequest(Path("x")), default)).Versions);
        await cluster.StoreAsync("x");
        await cluster.DeleteAsync("x");
        var versions = (await cluster.First.VersionsAsync(cluster.Client, new VersionsRequest(Path("x")), default)).Versions;
        Assert.Equal([VersionKind.File, VersionKind.Tombstone], versions.Select(version => version.Kind));
        Assert.Empty((await cluster.First.VersionsAsync(ClientId.New(), new VersionsRequest(Path("x")), default)).Versions);
        var looked = await cluster.First.LookupAsync(cluster.Client, new LookupRequest([Path("x"), Path("x"), Path("y")]), default);
        Assert.Equal(3, looked.Files.Length);
        Assert.All(looked.Files, Assert.Null);
    }

    private static async Task<List<string>> ListAllAsync(IManager manager, ClientId client, string prefix, int limit, bool oneLevel = false)
    {
        var names = new List<string>();
        string? after = null;
        do
        {
            var page = await manager.ListAsync(client, new ListRequest(prefix, after, limit, OneLevel: oneLevel), default);
            Assert.True(page.Next is null || page.Files.Length == limit);
            names.AddRange(page.Files.Select(file => file.Path.Value));
            after = page.Next;
        }
        while (after is not null);
        return names;
    }
}

[Collection(OnGarnet.Name)]
public sealed class CatalogueOnGarnet(GarnetFixture fixture) : CatalogueTests(fixture);

[Collection(OnDebian.Name)]
public sealed class CatalogueOnDebian(DebianFixture fixture) : CatalogueTests(fixture);
