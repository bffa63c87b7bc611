using System.Diagnostics;
using Backup.Protocol;

namespace Backup.ClusterTests;

/// <summary>A cluster that gives dead nodes up after seconds, and what tests of healing ask of it.</summary>
public sealed class HealingCluster : IAsyncDisposable
{
    private static readonly TimeSpan PatienceMax = TimeSpan.FromMinutes(3);

    private HealingCluster(RunningCluster running) => Running = running;

    public RunningCluster Running { get; }

    public static async Task<HealingCluster> StartAsync(string? directory = null, int nodes = 4, TimeSpan? grace = null, params string[] more) =>
        new(await RunningCluster.StartAsync(directory, nodes, [$"--Cluster:RepairGrace={grace ?? TimeSpan.FromSeconds(2):c}", .. more]));

    /// <summary>Files of one client, with what was promised of them. The payload's seed is the index.</summary>
    public sealed record Files(ClientId Client, Receipt[] Receipts);

    public async Task<Files> StoreAsync(int count, string folder = "healed")
    {
        var client = ClientId.New();
        var receipts = await Running.Connect(client).UploadAsync(Enumerable.Range(0, count).Select(i => Transfers.File($"{folder}/{i:d4}", i, SizeOf(i))));
        return new Files(client, receipts);
    }

    public Task<T> Operate<T>(Func<INode, Task<T>> call) => Running.Connect(ClientId.Guest).AskAsync(call, default);

    public Task<ClusterStatus> StatusAsync() => Operate(node => node.ClusterAsync(default));

    public async Task<ClusterEvent[]> EventsAsync() => (await Operate(node => node.EventsAsync(new EventsRequest(0, Limits.ListPageMax), default))).Events;

    public long FilesOn(ClusterStatus status, NodeId node) => status.Nodes.Single(one => one.Id == node).Files;

    public Task UntilAsync(string what, Func<ClusterStatus, bool> isSo) => UntilAsync(what, async () => isSo(await StatusAsync()));

    public Task UntilEventAsync(EventKind kind, NodeId? subject) => UntilAsync($"{kind} of {subject} is said",
        async () => (await EventsAsync()).Any(one => one.Kind == kind && (subject is null || one.Subject == subject.Value.Value)));

    /// <summary>Waits for the end of a pass of repair that began later than this. Not for one that copied: on a busy machine another, with nothing to do, may have followed it already.</summary>
    public Task UntilRepairedAsync(ClusterStatus before) => UntilAsync("its copies are made again",
        status => status is { Healthy: true, Repair: { Running: false, VersionsLeft: 0 } repair } && repair.StartedMs >= before.NowMs);

    /// <summary>Waits until the node itself says that it holds so many versions.</summary>
    public Task UntilHeldAsync(NodeId node, int versions) => UntilAsync($"{node} holds {versions} versions", async () => await HeldAsync(node) == versions);

    public async Task<int> HeldAsync(NodeId node)
    {
        var copier = Running.ConnectAsPeer<ICopier>(node.Value);
        var held = 0;
        for (HeldRequest? next = new(null, 0, 1_000); next is not null;)
        {
            var page = await copier.HeldAsync(next, default);
            (held, next) = (held + page.Versions.Length, page.Next);
        }
        return held;
    }

    /// <summary>I3 and I4: each file lies on two nodes, and the loads are what counting gives. The cluster holds nothing else but what tests stored before in it.</summary>
    public async Task AssertCopiesExactAsync(Files files)
    {
        var connection = Running.Connect(files.Client);
        foreach (var receipt in files.Receipts)
        {
            var version = (await connection.LookupAsync(receipt.Path.Value))!;
            Assert.Equal(receipt.Digest, version.Digest);
            Assert.Equal(0, version.CopiesOwed);
            Assert.Equal(2, version.Nodes.Distinct().Count());
        }
        var status = await StatusAsync();
        Assert.Equal(0, status.CopiesOwed);
        foreach (var node in status.Nodes.Where(node => node.State != NodeState.Dead))
            Assert.Equal(node.Files, await HeldAsync(node.Id));
    }

    /// <summary>I1: each copy alone gives back every byte.</summary>
    public async Task AssertRestorableFromEachAsync(Files files)
    {
        var connection = Running.Connect(files.Client);
        for (var i = 0; i < files.Receipts.Length; i++)
        {
            var version = (await connection.LookupAsync(files.Receipts[i].Path.Value))!;
            foreach (var node in version.Nodes)
                await connection.RestoreFromAsync(version, node, i);
        }
    }

    public async ValueTask DisposeAsync() => await Running.DisposeAsync();

    private static long SizeOf(int i) => i % 20 == 0 ? 3_000_000 + i : 1_000 + i;

    private static async Task UntilAsync(string what, Func<Task<bool>> isSo)
    {
        for (var started = Stopwatch.StartNew(); !await isSo();)
        {
            Assert.True(started.Elapsed < PatienceMax, $"Waited in vain until {what}.");
            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System);
        }
    }
}
