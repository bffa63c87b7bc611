using System.Text.Json;
using Backup.Client;
using Backup.Protocol;

namespace Backup.ClusterTests.Client;

/// <summary>Commands of the client on a whole cluster: what they print and what they come to.</summary>
[Collection(ClusterCollection.Name)]
public sealed class CommandTests(ClusterFixture fixture) : IDisposable
{
    private static readonly TimeSpan PollEvery = TimeSpan.FromMilliseconds(100);

    private readonly RunningCluster cluster = fixture.Cluster;
    private readonly ClientMachine machine = new(fixture.Cluster);

    public void Dispose() => machine.Dispose();

    [Fact]
    public async Task Diff_tells_what_was_added_deleted_changed_or_only_touched()
    {
        machine.Write("same", "same");
        machine.Write("gone", "gone");
        machine.Write("changed", "before");
        var touched = machine.Write("touched", "touched");
        (await machine.RunAsync("backup")).Expect(ExitCode.Done);
        var before = (await machine.RunAsync("snapshot", "list", "--json")).Expect(ExitCode.Done).Json.GetProperty("name").GetString()!;
        File.Delete(Path.Join(machine.Root, "gone"));
        machine.Write("changed", "after it");
        machine.Write("new", "new");
        File.SetLastWriteTimeUtc(touched, new DateTime(2020, 1, 2, 3, 4, 5, DateTimeKind.Utc));
        (await machine.RunAsync("backup")).Expect(ExitCode.Done);

        var ran = (await machine.RunAsync("diff", before, "--json")).Expect(ExitCode.Done);
        Assert.Equal(["changed changed", "deleted gone", "added new", "attributes touched"],
            ran.JsonLines.Select(line => $"{line.GetProperty("change").GetString()} {line.GetProperty("path").GetString()}"));
        Assert.Equal("Nothing changed.", (await machine.RunAsync("diff", before, before)).Expect(ExitCode.Done).Error.Trim());
        Assert.Contains("1 added", (await machine.RunAsync("diff", before, "--path", "new")).Error);
    }

    [Fact]
    public async Task A_file_that_changed_while_it_was_read_is_deleted_when_it_is_gone()
    {
        machine.Write("steady", "steady");
        var busy = machine.Write("busy", Payload.Bytes(1, 64 << 20));
        using var stop = new CancellationTokenSource();
        var writing = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
                File.AppendAllText(busy, "x");
        });
        var first = await machine.RunAsync("backup");
        await stop.CancelAsync();
        await writing;
        Assert.Contains("'busy' changed while it was read", first.Expect(ExitCode.Incomplete).Error);
        File.Delete(busy);

        (await machine.RunAsync("backup")).Expect(ExitCode.Done);
        Assert.Equal(["steady"], (await machine.RunAsync("list", "--json")).Expect(ExitCode.Done).JsonLines.Select(line => line.GetProperty("path").GetString()));
    }

    [Fact]
    public async Task A_quota_stops_a_backup_before_it_sends_anything()
    {
        machine.Write("small", Payload.Bytes(1, 1000));
        (await machine.RunAsync("backup")).Expect(ExitCode.Done);
        var client = (await machine.RunAsync("settings", "--json")).Json.GetProperty("client").GetString()!;
        var standing = (await machine.RunAsync("cluster", "quota", client, "100KiB", "--json")).Expect(ExitCode.Done).Json;
        Assert.Equal((1000, 100 << 10), (standing.GetProperty("storedBytes").GetInt64(), standing.GetProperty("quotaBytes").GetInt64()));

        machine.Write("large", Payload.Bytes(2, 200_000));
        Assert.Contains("has stored 1000 of the 102400 bytes it may, and these files come to 200000", (await machine.RunAsync("backup")).Expect(ExitCode.Failed).Error);
        Assert.Contains("1000 B of 100 KiB", (await machine.RunAsync("cluster", "clients")).Out);
        (await machine.RunAsync("cluster", "quota", client, "none")).Expect(ExitCode.Done);
        (await machine.RunAsync("backup")).Expect(ExitCode.Done);
    }

    [Fact]
    public async Task Verify_reads_every_copy_from_every_node()
    {
        for (var i = 0; i < 20; i++)
            machine.Write($"files/{i}", Payload.Bytes(i, 1000 + i));
        machine.Write("large", Payload.Bytes(99, 9 << 20));
        (await machine.RunAsync("backup")).Expect(ExitCode.Done);
        var report = (await machine.RunAsync("verify", "--read-data", "--json")).Expect(ExitCode.Done).Json;
        // 21 files and the folder, twice each.
        Assert.Equal(22, report.GetProperty("files").GetInt64());
        Assert.Equal(44, report.GetProperty("nodes").EnumerateArray().Sum(node => node.GetProperty("good").GetInt64()));
        Assert.Equal(2 * ((9 << 20) + (20 * 1000) + 190), report.GetProperty("bytesRead").GetInt64());

        var victim = (await machine.RunAsync("where", "large", "--json")).Expect(ExitCode.Done).Json.GetProperty("nodes")[0].GetString()!;
        await cluster.StopAsync(victim);
        try
        {
            var some = (await machine.RunAsync("verify", "--read-data", "--json")).Expect(ExitCode.Incomplete).Json;
            Assert.Equal(0, some.GetProperty("lost").GetInt64());
            Assert.All(some.GetProperty("problems").EnumerateArray(), problem => Assert.Equal(victim, problem.GetProperty("node").GetString()));
            var told = (await machine.RunAsync("verify", "--read-data")).Expect(ExitCode.Incomplete);
            Assert.Single(told.Error.Trim().Split('\n'), line => line.StartsWith("unknown:", StringComparison.Ordinal));
        }
        finally
        {
            await cluster.StartAgainAsync(victim);
        }
    }

    [Fact]
    public async Task A_drill_finds_a_file_of_the_root_that_rotted_and_remembers_it()
    {
        machine.Write("good", Payload.Bytes(1, 100_000));
        var rotten = machine.Write("rotten", Payload.Bytes(2, 100_000));
        var mtime = new DateTime(2020, 1, 2, 3, 4, 5, DateTimeKind.Utc);
        File.SetLastWriteTimeUtc(rotten, mtime);
        (await machine.RunAsync("backup")).Expect(ExitCode.Done);
        Assert.Equal(2, (await machine.RunAsync("drill", "--json")).Expect(ExitCode.Done).Json.GetProperty("compared").GetInt64());
        File.WriteAllBytes(rotten, Payload.Bytes(3, 100_000));
        File.SetLastWriteTimeUtc(rotten, mtime);
        var drill = (await machine.RunAsync("drill", "--json")).Expect(ExitCode.Incomplete).Json;
        Assert.Contains("'rotten' in the root", drill.GetProperty("problems")[0].GetProperty("message").GetString());
        Assert.Equal([2, 1], (await machine.RunAsync("drill", "--history", "--json")).JsonLines.Select(line => line.GetProperty("good").GetInt32()));
    }

    [Fact]
    public async Task Watch_stores_what_changes_until_it_is_stopped()
    {
        machine.Write("first", "first");
        using var stop = new CancellationTokenSource();
        var watch = machine.RunAsync(["watch", "--settle", "1s", "--json"], stop.Token);
        try
        {
            await StoredAsync("first");
            machine.Write("below/second", "second");
            await StoredAsync("below/second");
            File.Delete(Path.Join(machine.Root, "first"));
            await UntilAsync(async () => !(await machine.RunAsync("list")).Out.Contains("first"));
        }
        catch (OperationCanceledException)
        {
            await stop.CancelAsync();
            Assert.Fail($"It did not store what changed: {(await watch).Out}{(await watch).Error}");
        }
        await stop.CancelAsync();
        var passes = (await watch).Expect(ExitCode.Done).JsonLines;
        Assert.Equal("start", passes[0].GetProperty("why").GetString());
        // The pass that recorded the deletion may have been cut short before it was told of, and one that failed has nothing to tell.
        Assert.Contains(passes, pass => pass.GetProperty("why").GetString() == "change" && pass.TryGetProperty("backup", out var backup) && backup.GetProperty("stored").GetInt64() == 1);
    }

    [Fact]
    public async Task A_backup_that_is_stopped_leaves_what_it_sent_to_the_next()
    {
        machine.Write("small", "small");
        machine.Write("large", Payload.Bytes(7, 240 << 20));
        using var stop = new CancellationTokenSource();
        // What other tests stored last is told of by then, and is not taken for this test's.
        await cluster.WaitForHeartbeatsAsync();
        var before = (await cluster.Connect(ClientId.New()).StatusAsync()).Nodes.Sum(node => node.Space.StoredBytes);
        var backup = machine.RunAsync(["backup", "--json", "--limit", "16MiB"], stop.Token);
        // Nodes tell how much they hold with each heartbeat: two copies of a segment, and the stop comes within the second.
        await UntilAsync(async () => (await cluster.Connect(ClientId.New()).StatusAsync()).Nodes.Sum(node => node.Space.StoredBytes) > before + (30 << 20));
        await stop.CancelAsync();
        var stopped = (await backup).Expect(ExitCode.Interrupted).Json;
        Assert.True(stopped.GetProperty("interrupted").GetBoolean());

        var rest = (await machine.RunAsync("backup", "--json")).Expect(ExitCode.Done).Json;
        Assert.InRange(rest.GetProperty("bytesDeduplicated").GetInt64(), 8 << 20, 240 << 20);
        (await machine.RunAsync("verify", "--read-data")).Expect(ExitCode.Done);
    }

    [Fact]
    public async Task A_restore_goes_on_where_it_stopped_and_leaves_what_is_different()
    {
        machine.Write("a", "a");
        machine.Write("b", "b");
        (await machine.RunAsync("backup")).Expect(ExitCode.Done);
        (await machine.RunAsync("restore", "a", "--to", machine.At("back"))).Expect(ExitCode.Done);
        var again = (await machine.RunAsync("restore", "--to", machine.At("back"), "--json")).Expect(ExitCode.Done).Json;
        Assert.Equal((1, 1), (again.GetProperty("restored").GetInt64(), again.GetProperty("there").GetInt64()));
        File.WriteAllText(machine.At("back/b"), "mine");
        (await machine.RunAsync("restore", "--to", machine.At("back"))).Expect(ExitCode.Incomplete);
        Assert.Equal("mine", File.ReadAllText(machine.At("back/b")));
    }

    [Fact]
    public async Task What_is_odd_in_a_root_is_named_and_counted_and_stops_nothing()
    {
        machine.Write("ok", "ok");
        File.CreateSymbolicLink(Path.Join(machine.Root, "outside"), "/etc/hostname");
        using (var mkfifo = System.Diagnostics.Process.Start("mkfifo", [Path.Join(machine.Root, "pipe")]))
            await mkfifo.WaitForExitAsync();
        var backup = (await machine.RunAsync("backup", "--json")).Expect(ExitCode.Incomplete).Json;
        Assert.Equal((2, 1, 1), (backup.GetProperty("stored").GetInt64(), backup.GetProperty("failed").GetInt64(), backup.GetProperty("linksOutside").GetInt64()));
        Assert.Contains("FIFO", backup.GetProperty("problems")[0].GetProperty("message").GetString());
        var named = await machine.RunAsync("backup", "outside/passwd");
        Assert.NotEqual(ExitCode.Done, named.Code);
        Assert.Contains("is not in the root", named.Error);
    }

    /// <summary>A node is emptied and filled again: what was stored comes back at every moment.</summary>
    [Fact]
    public async Task The_clusters_own_commands_do_what_they_say()
    {
        await using var own = await RunningCluster.StartAsync();
        using var here = new ClientMachine(own);
        for (var i = 0; i < 12; i++)
            here.Write($"f{i}", Payload.Bytes(i, 5000));
        (await here.RunAsync("backup")).Expect(ExitCode.Done);
        var imagined = (await here.RunAsync("cluster", "what-if", "node-2", "--json")).Expect(ExitCode.Done).Json;
        Assert.Equal((0, true), (imagined.GetProperty("versionsLost").GetInt32(), imagined.GetProperty("canRepair").GetBoolean()));
        Assert.Equal(6, imagined.GetProperty("files").GetInt64());
        Assert.Contains("would empty node-2: 6 files", (await here.RunAsync("cluster", "drain", "node-2", "-n")).Expect(ExitCode.Done).Out);
        (await here.RunAsync("cluster", "drain", "node-2", "--wait")).Expect(ExitCode.Done);
        Assert.DoesNotContain("node-2", (await here.RunAsync("list", "--json")).Out);
        (await here.RunAsync("verify", "--read-data")).Expect(ExitCode.Done);
        (await here.RunAsync("cluster", "undrain", "node-2")).Expect(ExitCode.Done);
        (await here.RunAsync("cluster", "rebalance", "--wait")).Expect(ExitCode.Done);
        (await here.RunAsync("cluster", "repair", "--wait")).Expect(ExitCode.Done);
        Assert.Contains("gives its files away", (await here.RunAsync("cluster", "events")).Expect(ExitCode.Done).Out);
        Assert.Equal(4, (await here.RunAsync("cluster", "nodes", "--json")).Expect(ExitCode.Done).JsonLines.Length);
        (await here.RunAsync("verify", "--read-data")).Expect(ExitCode.Done);
        Assert.Equal(ExitCode.NotFound, (await here.RunAsync("cluster", "what-if", "node-9")).Code);
    }

    [Fact]
    public async Task The_doctor_finds_nothing_wrong_here()
    {
        machine.Write("a", "a");
        (await machine.RunAsync("backup")).Expect(ExitCode.Done);
        var ran = (await machine.RunAsync("doctor")).Expect(ExitCode.Done);
        Assert.Contains("1 snapshot, the last", ran.Out);
        Assert.DoesNotContain("wrong   ", ran.Out);
    }

    private Task StoredAsync(string path) => UntilAsync(async () => (await machine.RunAsync("where", path)).Code == ExitCode.Done);

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var patience = new CancellationTokenSource(RunningCluster.PatienceMax);
        while (!await condition())
            await Task.Delay(PollEvery, TimeProvider.System, patience.Token);
    }
}
