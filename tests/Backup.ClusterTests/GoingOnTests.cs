using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using Backup.Protocol;

namespace Backup.ClusterTests;

/// <summary>Whoever is killed in the middle, uploads and restores go on, and what is durable is not sent again.</summary>
public sealed class GoingOnTests(Xunit.Abstractions.ITestOutputHelper output)
{
    /// <summary>Segments under way when a node dies: each of three deaths may have them sent again.</summary>
    private const long SentAgainMax = 3L * 3 * Limits.SegmentBytesMax;

    [LongFact, Trait("Runs", "long")]
    public async Task An_upload_of_1_GiB_outlives_its_gateway_its_primary_and_its_replica()
    {
        await using var cluster = await RunningCluster.StartAsync();
        var connection = cluster.Connect(ClientId.New(), [.. cluster.Addresses().Reverse()]);
        const long SizeBytes = 1L << 30;
        var restarts = new List<Task>();
        var killed = new List<string>();
        async Task KillAsync(string node)
        {
            await Task.WhenAll(restarts);
            await cluster.KillAsync(node);
            killed.Add(node);
            restarts.Add(Task.Run(() => cluster.StartAgainAsync(node)));
        }
        var source = new Interrupted(5, SizeBytes, [
            (SizeBytes / 8, () => KillAsync($"node-{cluster.Nodes}")),
            (SizeBytes / 3, async () => await KillAsync((await HoldersAsync(connection))[0])),
            // The survivor is the primary now; the one that was added is the replica. On a busy machine there may have been others in between.
            (SizeBytes * 2 / 3, async () => await KillAsync((await HoldersAsync(connection)).Last(node => node != "node-2"))),
        ]);
        var counters = new TransferCounters();
        var started = Stopwatch.StartNew();
        var receipt = Assert.Single(await connection.UploadAsync([Transfers.File("large", 5, SizeBytes) with { Open = () => source }], counters));
        output.WriteLine($"{started.Elapsed.TotalSeconds:f1} s for {SizeBytes >> 20} MiB; the longest that nothing was read: {source.LongestPause.TotalSeconds:f1} s.");
        await Task.WhenAll(restarts);

        Assert.Equal(3, killed.Count);
        Assert.Equal((SizeBytes, 0, 2), (receipt.SizeBytes, receipt.CopiesOwed, receipt.Nodes.Length));
        Assert.Equal(SizeBytes, counters.BytesRead);
        // What was durable already when its answer was lost is not sent again.
        Assert.InRange(counters.BytesSent + counters.BytesDeduplicated, SizeBytes, SizeBytes + SentAgainMax);
        var version = (await connection.LookupAsync("large"))!;
        foreach (var node in receipt.Nodes)
            await connection.RestoreFromAsync(version, node, 5);
        var status = await connection.StatusAsync();
        Assert.Equal((0, 2), (status.Reserved, status.Nodes.Sum(node => node.Files)));
    }

    [LongFact, Trait("Runs", "long")]
    public async Task A_plain_put_outlives_the_primary_and_the_replica()
    {
        await using var cluster = await RunningCluster.StartAsync(null, 5);
        const long SizeBytes = 300L << 20;
        var connection = cluster.Connect(ClientId.Guest, cluster.NodeAddress(5));
        // The node it is sent through takes no part itself: a body that was sent through a node that dies is gone with it.
        await connection.AskAsync(node => node.DrainAsync(new DrainRequest(NodeId.Parse("node-5"), true), default), default);
        string[] before = [];
        var source = new Interrupted(6, SizeBytes, [
            (SizeBytes / 3, async () => await cluster.KillAsync((before = await HoldersAsync(connection))[0])),
            (SizeBytes * 2 / 3, () => cluster.StartAgainAsync(before[0])),
            // The one that took the first one's place. On a busy machine there may have been others in between.
            (SizeBytes * 2 / 3, async () => await cluster.KillAsync((await HoldersAsync(connection)).Except(before).Last())),
        ]);
        using var http = new HttpClient { BaseAddress = cluster.NodeAddress(5), Timeout = TimeSpan.FromMinutes(5) };
        using var content = new StreamContent(source) { Headers = { ContentLength = SizeBytes } };
        using var put = await http.PutAsync("/files/plain.bin", content);
        Assert.True(put.StatusCode == HttpStatusCode.Created, await put.Content.ReadAsStringAsync());
        var receipt = await put.Content.ReadFromJsonAsync(WireJson.Default.Receipt);
        Assert.Equal(2, receipt!.Nodes.Length);
        var version = (await connection.LookupAsync("plain.bin"))!;
        foreach (var node in receipt.Nodes)
            await connection.RestoreFromAsync(version, node, 6);
    }

    [Fact]
    public async Task A_restore_goes_on_at_the_other_copy_when_the_node_it_reads_from_dies()
    {
        await using var cluster = await RunningCluster.StartAsync();
        var connection = cluster.Connect(ClientId.New(), [.. cluster.Addresses().Reverse()]);
        const long SizeBytes = 300L << 20;
        var receipt = await connection.UploadAsync(Transfers.File("read", 7, SizeBytes));
        var version = (await connection.LookupAsync("read"))!;
        var reading = await cluster.ProcessIdAsync(receipt.Nodes[0].Value);
        var counters = new TransferCounters();
        var target = new KillsOnTheWay(7, SizeBytes * 4 / 5, reading);
        await new Restorer(connection, counters).RestoreAsync([version], target, default);
        Assert.Null(target.Failure);
        Assert.True(target.Completed);
    }

    /// <summary>The nodes on which a place is reserved, by their names: in a cluster that holds nothing else.</summary>
    private static async Task<string[]> HoldersAsync(ClusterConnection connection) =>
        [.. (await connection.StatusAsync()).Nodes.Where(node => node.Files > 0).Select(node => node.Id.Value)];

    /// <summary>A payload that does something on the way, once it was read so far.</summary>
    private sealed class Interrupted(int seed, long sizeBytes, (long AtBytes, Func<Task> Do)[] interruptions) : Stream
    {
        private readonly Payload payload = new(seed, sizeBytes);
        private readonly Queue<(long AtBytes, Func<Task> Do)> left = new(interruptions);

        private readonly Stopwatch sinceRead = new();

        /// <summary>What somebody who watches the progress saw.</summary>
        public TimeSpan LongestPause { get; private set; }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => sizeBytes;

        public override long Position { get => payload.Position; set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (sinceRead.Elapsed > LongestPause)
                LongestPause = sinceRead.Elapsed;
            while (left.TryPeek(out var next) && payload.Position >= next.AtBytes)
                await left.Dequeue().Do();
            sinceRead.Restart();
            return payload.Read(buffer.Span);
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }

    private sealed class KillsOnTheWay(int seed, long atBytes, int process) : IRestoreTarget
    {
        private Payload? payload;

        public Failure? Failure { get; private set; }

        public bool Completed { get; private set; }

        public Stream? Begin(FileVersion version, ManifestHead head)
        {
            Assert.Null(payload);
            payload = new Payload(seed, version.SizeBytes);
            return new Watching(payload, atBytes, process);
        }

        public void Complete(FileVersion version, ManifestHead head) => Completed = payload!.Position == version.SizeBytes;

        public void Failed(FileVersion version, Failure failure) => Failure = failure;

        private sealed class Watching(Payload payload, long atBytes, int process) : Stream
        {
            private bool isKilled;

            public override bool CanRead => false;

            public override bool CanSeek => false;

            public override bool CanWrite => true;

            public override long Length => payload.Length;

            public override long Position { get => payload.Position; set => throw new NotSupportedException(); }

            public override void Write(byte[] buffer, int offset, int count)
            {
                if (payload.Position >= atBytes && !isKilled)
                {
                    isKilled = true;
                    using var victim = Process.GetProcessById(process);
                    victim.Kill();
                }
                payload.Write(buffer, offset, count);
            }

            public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
            {
                var copy = buffer.ToArray();
                Write(copy, 0, copy.Length);
                return ValueTask.CompletedTask;
            }

            public override void Flush()
            {
            }

            public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

            public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

            public override void SetLength(long value) => throw new NotSupportedException();
        }
    }
}
