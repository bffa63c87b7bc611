using System.Collections.Concurrent;
using System.Diagnostics;
using Backup.Protocol;
using Backup.ServiceDefaults;
using Backup.Storage.Packs;
using Backup.Storage.Scrub;
using Backup.Tests.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using static Backup.Tests.Packs.StoreFolder;

namespace Backup.Tests.Packs;

/// <summary>Two stores that hold the same version, the second one behind HTTP: what is bad in the first comes from there, while no manager is up.</summary>
public sealed class RepairTests : IAsyncLifetime
{
    private static readonly NodeId Other = NodeId.Parse("node-2");
    private readonly StoreFolder here = new();
    private readonly StoreFolder there = new();
    private readonly DamagedVersions noticedThere = new();
    private readonly byte[][] chunks = [Content(1, 3000), Content(2, 2000), Content(3, 1000)];
    private PackStore mine = null!, theirs = null!;
    private WebApplication app = null!;
    private VersionRepair repair = null!;

    public async Task InitializeAsync()
    {
        (mine, theirs) = (await here.OpenAsync(), await there.OpenAsync(node: "node-2"));
        var manifest = FileOf("folder/file", 7, chunks);
        foreach (var store in new[] { mine, theirs })
            await StoreAsync(store, [.. chunks.Select(c => Record.Of(RecordKind.Chunk, Alice, c)), RecordOf(manifest with { Head = manifest.Head with { Nodes = [Node, Other] } })]);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddWireJson().AddSingleton(theirs).AddSingleton(noticedThere);
        builder.AddTestAccess("node-2");
        app = builder.Build();
        app.UseFailureResponses("node-2");
        app.UseAccess();
        app.MapScrub();
        await app.StartAsync();
        repair = Scrubbing.From(mine, new NodeRef(Other, new Uri(app.Urls.First())));
    }

    public async Task DisposeAsync()
    {
        await app.DisposeAsync();
        await mine.DisposeAsync();
        await theirs.DisposeAsync();
        here.Dispose();
        there.Dispose();
    }

    [Theory, InlineData(0), InlineData(1), InlineData(3)]
    public async Task A_damaged_chunk_or_manifest_is_replaced_from_the_other_copy(int record)
    {
        Flip(here.Pack(1), At(record) + 150);
        await Scrubbing.RunAsync(mine, Scrubbing.Alone(mine), 1);
        Assert.True(await StateAsync(mine) is { Held: false, Damaged: true });
        Assert.True(await repair.RunAsync(Alice, 7, readAll: false, default));
        Assert.True(await StateAsync(mine) is { Held: true, Damaged: false });
        Assert.Empty(mine.Damage);
        await Scrubbing.RunAsync(mine, Scrubbing.Alone(mine), 2);
        Assert.Empty(mine.Damage);
    }

    [Fact]
    public async Task With_both_copies_bad_nothing_bad_is_copied_and_the_rest_is_repaired()
    {
        Flip(here.Pack(1), At(0) + 150);
        Flip(there.Pack(1), At(0) + 150);
        Flip(here.Pack(1), At(1) + 150);
        await Scrubbing.RunAsync(mine, repair, 1);
        Assert.False(await repair.RunAsync(Alice, 7, readAll: false, default));
        Assert.Equal([0], mine.Missing(Alice, [.. chunks.Select(c => ChunkId.Of(c))]));
        var (client, version, _) = await noticedThere.NextAsync(default);
        Assert.Equal((Alice, 7L), (client, version));
        // Sent again, it heals here, and from here it would heal there.
        await StoreAsync(mine, Record.Of(RecordKind.Chunk, Alice, chunks[0]));
        Assert.True(await repair.RunAsync(Alice, 7, readAll: false, default));
    }

    [Fact]
    public async Task What_nobody_has_noticed_yet_is_found_where_all_is_read()
    {
        Flip(here.Pack(1), At(0) + 150);
        Flip(here.Pack(1), At(2) + 150);
        Assert.True(await repair.RunAsync(Alice, 7, readAll: true, default));
        await Scrubbing.RunAsync(mine, Scrubbing.Alone(mine), 1);
        Assert.True(await StateAsync(mine) is { Held: true, Damaged: false });
    }

    [Fact]
    public async Task The_scrub_repairs_what_it_finds()
    {
        Flip(here.Pack(1), At(1) + 60);
        await Scrubbing.RunAsync(mine, repair, 1);
        Assert.True(await StateAsync(mine) is { Held: true, Damaged: false });
    }

    [Fact]
    public async Task The_trace_of_a_repair_links_to_the_span_that_met_the_damage()
    {
        var spans = new ConcurrentBag<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == Telemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = spans.Add,
        };
        ActivitySource.AddActivityListener(listener);
        Flip(here.Pack(1), At(1) + 60);
        var reader = Telemetry.Source.StartActivity("reader");
        reader!.Dispose();
        Assert.True(await repair.RunAsync(Alice, 7, readAll: true, default, reader.Context));
        // Other tests run beside this one, and their spans are heard too.
        var span = Assert.Single(spans, s => s.OperationName == "repair version" && s.Links.Any(link => link.Context == reader.Context));
        Assert.NotEqual(reader.TraceId, span.TraceId);
    }

    [Fact]
    public async Task A_version_the_node_does_not_hold_is_not_brought_back()
    {
        await mine.ForgetAsync(Alice, [7], default);
        Assert.True(await repair.RunAsync(Alice, 7, readAll: false, default));
        Assert.False((await StateAsync(mine)).Held);
    }

    private int At(int record) => 128 + Enumerable.Range(0, record).Sum(i => 112 + chunks[i].Length);

    private static async Task<CopyState> StateAsync(PackStore store) =>
        Assert.Single((await new CopyStates(store).ReadAsync(Alice, new CopiesRequest([7]), default)).Copies);
}
